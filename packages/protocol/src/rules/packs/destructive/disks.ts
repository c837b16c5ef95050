// Commands that destroy disks and volumes.

export const disks = String.raw`
rules:
  overwrite-disk:
    deny: shell
    any:
      - command: [mkfs, mkfs.*, mke2fs, wipefs, blkdiscard]
      - command: badblocks
        flags: -w
      - command: cryptsetup luksFormat|erase|luksErase|reencrypt
      - command: mdadm
        flags: --zero-superblock|--create|-C
      - command: hdparm
        flags: --security-erase|--security-erase-enhanced|--trim-sector-ranges|--write-sector|--make-bad-sector|--security-set-pass|--fwdownload
      - command: nvme format|sanitize|write|write-zeroes
      - command: sgdisk
        flags: --zap-all|-Z|--zap|-z|--clear|-o|--delete|-d
      - command: parted
        args: [mklabel, mktable, mkpart, rm, resizepart]
      - command: sfdisk
        flags: --delete
      - command: fdisk|gdisk|sfdisk|cfdisk|parted
        from: [echo, printf, cat, yes]
      - command: cfdisk
        flags: --zero|-z
    paths: /dev
    unless:
      - flags: --help
      - flags: --no-act
      - paths: [/dev/null, /dev/shm]
    severity: critical
    opaque: allow
    reason: It overwrites a disk or a volume.
    instead: Leave disks to the operator.
    hits:
      - mkfs.ext4 /dev/sda1
      - mkfs -t ext4 /dev/sda1
      - wipefs -a /dev/sda
      - printf 'o\nw\n' | sudo fdisk /dev/sda
      - parted /dev/sda mklabel gpt
      - parted -s /dev/nvme0n1 rm 1
      - hdparm --user-master u --security-erase p /dev/sda
    misses:
      - fdisk -l /dev/sda
      - parted /dev/sda print
      - mkfs.ext4 disk.img

  disk-tools:
    ask: shell
    command: [fdisk, gdisk, cfdisk, sfdisk, sgdisk, parted, mkswap, swapoff, mdadm, hdparm, tune2fs, resize2fs, e2fsck, fsck, lvreduce, losetup, dmsetup]
    unless:
      - flags: --list|-l|-L
      - flags: --print|-p
      - flags: --help|-h
      - flags: --detail|-D|--examine|-E|--query|-Q
      - flags: -I|-i|-t|-T|-g|-C
      - args: print
      - command: [fsck, e2fsck]
        flags: -n|-N
    severity: medium
    opaque: allow
    reason: It works on a disk.
    hits:
      - fdisk /dev/sda
    misses:
      - fdisk -l

  remove-volumes:
    deny: shell
    command:
      - zpool destroy
      - zfs destroy
      - lvremove|vgremove|pvremove
      - btrfs subvolume delete
      - cryptsetup luksFormat|erase|luksErase
    severity: critical
    opaque: allow
    reason: It destroys volumes with all that is on them.
    instead: Leave volumes to the operator.
    hits:
      - zpool destroy tank
      - lvremove -f vg0/data
    misses:
      - zpool status

  write-device:
    deny: [write, edit]
    paths: [/dev/sd*, /dev/hd*, /dev/vd*, /dev/xvd*, /dev/nvme*, /dev/mmcblk*, /dev/disk, /dev/mem, /dev/kmem, /dev/port, /dev/loop*, /dev/dm-*, /dev/mapper, /dev/md*, /dev/sr*, /dev/rdisk*]
    severity: critical
    opaque: allow
    reason: It writes to a device past its file system.
    instead: Write to a file.
    hits:
      - echo x > /dev/sda
      - cat img | sudo tee /dev/nvme0n1
      - cp img /dev/sdb
    misses:
      - dd if=/dev/sda of=backup.img
      - ls /dev/sda

  dd-device:
    deny: shell
    command: dd|dcfldd|ddrescue|pv
    args: ['of=/dev/sd*', 'of=/dev/hd*', 'of=/dev/vd*', 'of=/dev/xvd*', 'of=/dev/nvme*', 'of=/dev/mmcblk*', 'of=/dev/disk*', 'of=/dev/mapper*', 'of=/dev/mem', 'of=/dev/dm-*', 'of=/dev/md*', 'of=/dev/rdisk*', 'of=/dev/loop*', 'of=/etc/*', 'of=/boot/*']
    severity: critical
    opaque: allow
    reason: It overwrites a disk.
    instead: Write to a file.
    hits:
      - dd if=/dev/zero of=/dev/sda
      - sudo dd bs=1M if=img of=/dev/nvme0n1
    misses:
      - dd if=/dev/zero of=disk.img bs=1M count=10
      - dd if=/dev/sda of=backup.img
`;
