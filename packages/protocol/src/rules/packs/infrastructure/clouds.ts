// Clusters and clouds: what others run on.

export const clouds = String.raw`
rules:
  kubernetes-delete:
    deny: shell
    any:
      - command: kubectl|oc|kubecolor|k delete ns|namespace|namespaces|namespace/*|ns/*|node|nodes|node/*|pv|pvc|persistentvolume|persistentvolumes|persistentvolumeclaim|persistentvolumeclaims|pv/*|pvc/*|crd|crds|customresourcedefinition|customresourcedefinitions|all|secret|secrets|deploy|deployment|deployments|deploy/*|deployment/*|sts|statefulset|statefulsets|statefulset/*|sts/*|svc|service|services|clusterrole|clusterrolebinding|project
      - command: kubectl|oc|kubecolor|k delete
        flags: --all|--all-namespaces|-A
      - command: kubectl|oc|kubecolor|k delete
        flags: --force
      - command: kubectl|oc|kubecolor|k scale
        flags: --replicas=0
      - command: kubectl|oc|kubecolor|k drain
        flags: --force|--delete-emptydir-data|--delete-local-data
      - command: helm uninstall|delete|del|un
      - command: helmfile destroy|delete
      - command: eksctl|kops delete
      - command: kubeadm reset
      - command: velero backup delete
      - command: argocd app delete
      - command: istioctl uninstall
      - command: flux uninstall
    unless:
      - flags: --dry-run
      - flags: --help
    severity: critical
    opaque: allow
    reason: It takes something down in a cluster.
    instead: Show it with kubectl get, and ask the operator to remove it.
    hits:
      - kubectl delete namespace prod
      - kubectl delete ns/prod
      - kubectl -n prod delete pods --all
      - kubectl --context prod -n x delete deploy/web
      - kubectl scale deploy web --replicas=0
      - kubectl scale deploy web --replicas 0
      - helm uninstall web
      - helm -n prod delete web
    misses:
      - kubectl get pods
      - kubectl delete ns x --dry-run=client
      - kubectl scale deploy web --replicas=3
      - kubectl describe pod delete

  kubernetes-change:
    ask: shell
    command:
      - kubectl|oc|kubecolor|k delete|drain|replace|taint|cordon|rollout|edit|patch
      - helm rollback
      - kind|minikube delete
      - k3d cluster delete
      - k3s-uninstall.sh
    unless:
      - flags: --dry-run
      - flags: --help|-h
      - command: kubectl|oc|kubecolor|k rollout status|history
    severity: medium
    opaque: allow
    reason: It takes something down in a cluster, or changes it.
    hits:
      - kubectl delete pod web-1
      - kubectl drain node-1
    misses:
      - kubectl get pods

  terraform-destroy:
    deny: shell
    any:
      - command: terraform|tofu|terragrunt destroy|force-unlock|taint|apply-all|destroy-all
      - command: terraform|tofu|terragrunt apply
        flags: -destroy
      - command: terraform|tofu|terragrunt apply
        flags: -auto-approve
      - command: terraform|tofu|terragrunt run-all apply|destroy
      - command: terraform|tofu|terragrunt state rm|push|mv|replace-provider
      - command: terraform|tofu|terragrunt workspace delete
      - command: terragrunt
        flags: --terragrunt-non-interactive|--non-interactive
      - command: pulumi destroy|cancel
      - command: pulumi up|update
        flags: --yes|-y|--skip-preview|-f
      - command: pulumi stack rm
      - command: pulumi state delete
      - command: cdk|cdktf destroy
      - command: cdk|cdktf deploy
        flags: --require-approval=never
      - command: sls|serverless remove
      - command: sam delete
      - command: packer build
        flags: -force
      - command: nomad job stop|purge
      - command: nomad system gc
    unless:
      - flags: --help|-h
    severity: critical
    opaque: allow
    reason: It destroys infrastructure, or changes it unseen.
    instead: Show the plan with terraform plan, and ask the operator to apply it.
    hits:
      - terraform destroy
      - terraform -chdir=infra destroy -auto-approve
      - terraform apply -auto-approve
      - terraform apply --auto-approve
      - terraform state rm aws_s3_bucket.x
      - pulumi up --yes
      - cdk destroy --all
    misses:
      - terraform plan -destroy
      - terraform fmt
      - pulumi preview

  aws-delete:
    deny: shell
    any:
      - command: aws ec2 terminate-instances|delete-vpc|delete-snapshot|delete-volume|deregister-image
      - command: aws rds|neptune|docdb|redshift delete-*
      - command: aws * delete-cluster|delete-stack|delete-bucket|delete-table|delete-function|delete-user|delete-role|delete-hosted-zone|delete-repository|delete-log-group|delete-secret|delete-file-system|delete-backup-vault|delete-domain|delete-user-pool|schedule-key-deletion|delete-objects|delete-db-instance|delete-organization|close-account
      - command: aws s3 rb
      - command: aws s3 rm|mv
        flags: --recursive
      - command: aws s3 sync
        flags: --delete
      - command: aws iam create-access-key|attach-user-policy|attach-role-policy|put-user-policy|put-role-policy|create-login-profile|add-user-to-group
    unless:
      - flags: --dry-run|--dryrun
      - args: help
    severity: critical
    opaque: allow
    reason: It removes something in the cloud, or changes who may do so.
    instead: Show it with a describe or list command, and ask the operator.
    hits:
      - aws ec2 terminate-instances --instance-ids i-1
      - aws --profile prod s3 rb s3://b --force
      - aws s3 rm s3://b --recursive
      - aws rds delete-db-instance --db-instance-identifier x
      - aws iam attach-user-policy --user-name me
    misses:
      - aws s3 ls
      - aws ec2 describe-instances
      - aws s3 rm s3://b --recursive --dryrun

  aws-change:
    ask: shell
    any:
      - command: aws * delete-*|terminate-*|deregister-*|purge-*|remove-*|revoke-*|disable-*|detach-*|reset-*|stop-*|cancel-*|batch-delete-*|reboot-*|modify-db-*
      - command: aws s3 rm
      - command: aws iam create-*|attach-*|put-*|update-*|add-*|set-*
      - command: aws s3api put-bucket-*|put-public-access-block|put-object-acl
    unless:
      - flags: --dry-run|--dryrun
      - args: help
    severity: medium
    opaque: allow
    reason: It removes something in the cloud, or changes who may do so.
    hits:
      - aws s3 rm s3://b/x
      - aws sqs purge-queue --queue-url x
    misses:
      - aws s3 rm s3://b/x --dryrun

  clouds-delete:
    deny: shell
    command:
      - gcloud projects delete
      - gcloud ** instances|clusters|databases|disks|buckets|secrets|keys|service-accounts|functions|services delete
      - gcloud storage rm
      - gsutil rb
      - gsutil rm -r
      - az group|vm|aks|keyvault|webapp|functionapp|cosmosdb|disk|redis delete
      - az sql|mysql|postgres ** delete
      - az storage account|container delete
      - az storage blob|file|directory delete-batch
      - az role assignment create
      - doctl compute droplet|volume|snapshot delete|rm
      - doctl kubernetes cluster delete|rm
      - doctl databases delete|rm
      - hcloud server|volume delete
      - linode-cli linodes|volumes delete
      - openstack server|volume|project delete
      - flyctl|fly apps|volumes|volume destroy|delete
      - flyctl|fly destroy
      - heroku apps:destroy|pg:reset|addons:destroy
      - vercel|vc remove|rm
      - netlify sites:delete
      - railway down|delete
      - wrangler delete
      - supabase db reset
      - supabase projects delete
      - firebase firestore:delete|database:remove|projects:delete
      - pscale database|branch delete
      - rclone purge|delete
      - mc rb
      - s3cmd|s5cmd|b2 rb|delete-bucket
      - consul kv delete
      - etcdctl del
      - vault kv delete|destroy|metadata
      - vault secrets|auth disable
    unless:
      - flags: --dry-run|--dryrun
      - flags: --help
    severity: critical
    opaque: allow
    reason: It removes something in the cloud.
    instead: Show it with a list command, and ask the operator.
    hits:
      - gcloud compute instances delete vm-1 --quiet
      - gcloud --project p projects delete p
      - gcloud sql instances delete db
      - gsutil rb gs://b
      - az group delete --name rg
      - az vm delete -g rg -n vm
      - doctl compute droplet delete 1
      - heroku apps:destroy x
      - flyctl apps destroy x
    misses:
      - gcloud compute instances list
      - az group list
      - vault kv list secret

  bucket-delete:
    deny: shell
    any:
      - command: gsutil rm
        flags: -r|-R|-a
      - command: bq rm
        flags: -r
      - command: mc rm
        flags: --recursive|-r
      - command: s3cmd del
        flags: --recursive|-r
    severity: critical
    opaque: allow
    reason: It removes what a bucket holds.
    instead: Show it with a list command, and ask the operator.
    hits:
      - gsutil -m rm -r gs://b
    misses:
      - gsutil ls gs://b

  clouds-change:
    ask: shell
    command:
      - gcloud ** delete|remove-iam-policy-binding|add-iam-policy-binding|set-iam-policy|reset|stop
      - gsutil rm
      - bq rm
      - az ** delete|purge|deallocate|stop
      - doctl ** delete|destroy|rm
      - hcloud ** delete|poweroff|shutdown|rebuild
      - linode-cli * delete
      - oci ** delete|terminate
      - ibmcloud ** rm|delete
      - scw ** delete|terminate
      - openstack ** delete
      - heroku config:unset|config:set|releases:rollback|maintenance:on
      - vercel|vc env rm
      - netlify env:unset
      - wrangler ** delete
      - supabase stop
      - firebase functions:delete|hosting:disable
      - neonctl ** delete
      - rclone deletefile|rmdir|rmdirs|cleanup|sync|move
      - mc|s3cmd|s5cmd|b2 rm|del
      - cloudflared tunnel delete
      - vault delete
      - vault lease revoke
      - vault policy delete
      - cf delete
    unless:
      - flags: --dry-run|--dryrun
      - flags: --help
    severity: medium
    opaque: allow
    reason: It removes something in the cloud, or changes who may do so.
    hits:
      - gcloud compute snapshots delete s
      - az tag delete --name x
    misses:
      - gcloud compute snapshots list
`;
