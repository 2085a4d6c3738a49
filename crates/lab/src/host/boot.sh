# The first process of a host: gives it files of its own, then waits until its owner lets go.
# Arguments: its name, then what stands where: `/there/program=/usr/sbin/keepalived`.
set -e
name=$1
shift
mount -t proc proc /proc
hostname "$name"

# What is written stays in the host; what is read comes from the machine.
mount -t tmpfs -o mode=755 tmpfs /mnt
for place in etc opt usr/libexec usr/local/sbin usr/sbin var/lib var/log; do
    [ -d "/$place" ] || continue
    mkdir -p "/mnt/$place/upper" "/mnt/$place/work"
    mount -t overlay -o "lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work" \
        overlay "/$place"
done

# Before /tmp is hidden: it may hold what is brought in.
for pair in "$@"; do
    target=${pair#*=}
    mkdir -p "${target%/*}"
    : >>"$target"
    mount --bind "${pair%%=*}" "$target"
done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run

# A /dev of its own, so that each host has its own /dev/log.
mkdir /mnt/dev
mount -t tmpfs -o mode=755 tmpfs /mnt/dev
for device in null zero full random urandom tty; do
    : >"/mnt/dev/$device"
    mount --bind "/dev/$device" "/mnt/dev/$device"
done
mkdir /mnt/dev/shm
ln -s /proc/self/fd /mnt/dev/fd
mount --rbind /mnt/dev /dev

echo ready
# Reaps whatever loses its parent; the pipe ends with the owner, and so does everything here.
while read -r _; do :; done
