// Containers, and the ways out of them.

export const containers = String.raw`
rules:
  containers-removed:
    deny: shell
    any:
      - command: docker|podman|nerdctl system prune|reset
      - command: docker|podman|nerdctl volume rm|remove|prune
      - command: docker|podman|nerdctl container prune
      - command: docker|podman|nerdctl rm
        flags: --force|-f
      - command: docker|podman|nerdctl rm
        flags: --volumes|-v
      - command: podman rm|rmi
        flags: --all|-a
      - command: docker|podman|nerdctl compose down|rm
        flags: --volumes|-v
      - command: docker-compose|podman-compose down|rm
        flags: --volumes|-v
      - command: docker|podman rmi
        flags: --force|-f
      - command: docker stack rm
      - command: podman machine rm|reset
      - command: colima|limactl delete
      - command: virsh undefine|vol-delete|pool-delete
    severity: high
    opaque: allow
    reason: It removes containers or volumes with what is in them.
    instead: Stop what is not needed; remove nothing.
    hits:
      - docker system prune -af
      - docker volume rm data
      - docker rm -f $(docker ps -aq)
      - docker compose down -v
      - docker --context prod volume prune -f
    misses:
      - docker compose down
      - docker ps
      - docker run --rm alpine true
      - docker rm old

  containers-change:
    ask: shell
    any:
      - command: docker|podman|nerdctl image|network|builder|buildx prune
      - command: docker|podman|nerdctl container|image rm
        flags: --force|-f
      - command: docker|podman|nerdctl compose down|rm
        flags: --rmi
      - command: docker|podman service|secret|config|node rm
      - command: docker swarm leave
      - command: lxc|incus delete
      - command: virsh destroy
      - command: VBoxManage unregistervm
      - command: vagrant destroy
    severity: medium
    opaque: allow
    reason: It removes images, networks or services.
    hits:
      - docker image prune --all
    misses:
      - docker images

  container-escape:
    deny: shell
    command: docker|podman|nerdctl run|create|exec
    any:
      - flags: --privileged
      - flags: --pid=host|--network=host|--net=host|--ipc=host|--userns=host|--uts=host
      - flags: --cap-add=ALL|--cap-add=SYS_ADMIN|--cap-add=SYS_PTRACE|--cap-add=all
      - flags: --security-opt=seccomp=unconfined|--security-opt=apparmor=unconfined|--security-opt=apparmor:unconfined
      - flags: --device
      - args: ['/:*', '/etc:*', '/root:*', '/home:*', '/var/run/docker.sock:*', '/run/docker.sock:*', '/proc:*', '/sys:*', '/dev:*', '~:*', '*source=/,*', '*src=/,*', '*docker.sock*']
      - flags: '--volume=/:*|-v=/:*|--volume=*docker.sock*|-v=*docker.sock*|-v=~:*|-v=/etc:*|-v=/root:*|-v=/home:*'
    severity: critical
    opaque: allow
    reason: This container gets the whole machine.
    instead: Mount a folder of the working tree, without privileges.
    hits:
      - docker run --privileged alpine
      - docker run -v /:/host alpine
      - docker run -v /var/run/docker.sock:/var/run/docker.sock x
      - docker run --pid=host alpine
      - docker run --pid host alpine
    misses:
      - docker run -v ./data:/data alpine
      - docker run -p 8080:80 nginx
`;
