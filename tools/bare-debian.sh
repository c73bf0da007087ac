# shellcheck shell=bash
# For tools/check-bare and tools/check-packages: a Debian 12 with next to nothing in it. Both define fail().

# bare_debian ROOT PACKAGES: makes it, with what the network here needs.
bare_debian() {
  local root=$1 settings certificate
  [ "$(id -u)" = 0 ] || fail "needs root, for debootstrap and chroot; run it with sudo"
  command -v debootstrap >/dev/null || fail "debootstrap is not installed; apt-get install debootstrap"
  [ ! -e "$root" ] || fail "$root exists; name another folder, or remove it with rm -r --one-file-system"
  mkdir -p "$root"
  debootstrap --variant=minbase --include="$2" bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" |
    tail -n 3
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --make-rslave "$root/dev"
  # shellcheck disable=SC2064 # the root of now
  trap "umount -R '$root/dev' '$root/proc'" EXIT
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  for settings in /etc/hosts /etc/pip.conf /etc/apt/apt.conf.d/*[Pp]roxy*; do
    [ ! -e "$settings" ] || cp "$settings" "$root$settings"
  done
  for certificate in /usr/local/share/ca-certificates/*.crt; do
    [ ! -e "$certificate" ] || cp "$certificate" "$root/usr/local/share/ca-certificates/"
  done
  chroot "$root" update-ca-certificates >/dev/null
}

# inside_bare ROOT COMMAND: with no variable of this machine but the network's.
inside_bare() {
  local network=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL; do
    [ -z "${!name+set}" ] || network+=("$name=${!name}")
  done
  chroot "$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin "${network[@]}" /bin/sh -ec "$2"
}
