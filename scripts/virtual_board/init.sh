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

# qemu 7.2 shows this machine's own /proc/cpuinfo.  Libraries that look in it for an Arm processor
# (LiteRT and ONNX Runtime, by the library cpuinfo) crash when they find another one.
grep '^processor' "$root/proc/cpuinfo" | while read -r processor; do
    cat <<CPU
$processor
model name	: Cortex-A72 (emulated, qemu)
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: 0xd08
CPU revision	: 2

CPU
done > "$root/run/cpuinfo"
mount --bind "$root/run/cpuinfo" "$root/proc/cpuinfo"

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
