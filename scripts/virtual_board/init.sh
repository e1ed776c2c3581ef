#!/bin/sh
# First process of the virtual board: mounts what a machine has, then becomes its sshd.
# It runs in namespaces of its own, so its mounts are seen by the board alone and are gone, with
# every process of the board, as soon as it ends, however it ends.
set -eu
root=$1
port=$2

hostname virtual-rk3399
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o mode=755,nosuid run "$root/run"
mkdir -p "$root/run/sshd" "$root/run/lock"

dev=$root/dev
mount -t tmpfs -o mode=755,nosuid dev "$dev"
while read -r name major minor; do
    mknod -m 666 "$dev/$name" c "$major" "$minor"
done <<NODES
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
NODES
mkdir "$dev/pts" "$dev/shm"
chmod 1777 "$dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"

cd /
exec chroot "$root" /usr/sbin/sshd -D -e -p "$port"
