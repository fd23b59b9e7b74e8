# shellcheck shell=bash
# Makes sure that what the scripts need is there: what is missing is installed, nothing else.

export PATH=$PATH:/usr/sbin:/sbin

# The groups of things, each with its packages on Debian 12: see missing_packages.
readonly BUILD_NEEDS='jdk mvn'
readonly MOUNT_NEEDS='libfuse fusermount losetup'
readonly DISK_NEEDS='fio ext4 xfs qemu-img ploop systemd prometheus jre'
readonly CONTAINER_NEEDS='podman busybox'

# Installs the packages of everything named that is missing; ends with a sentence where it cannot.
need() {
    local packages
    packages=$(missing_packages "$@")
    if [[ -n $packages ]]; then
        install_packages "$packages"
        packages=$(missing_packages "$@")
        [[ -z $packages ]] || die "installed, but still not found: what is in $packages"
    fi
    use_jdk || true
}

# The packages, in one line, of the things that are not there.
missing_packages() {
    local thing packages=()
    for thing in "$@"; do
        case $thing in
        jdk) use_jdk || packages+=(openjdk-17-jdk-headless) ;;
        mvn) has mvn || packages+=(maven) ;;
        libfuse) has_libfuse || packages+=(libfuse2) ;;
        # The packages fuse and fuse3 exclude each other, and either will do.
        fusermount) has fusermount || packages+=(fuse3) ;;
        losetup) has losetup mount setsid flock || packages+=(util-linux mount) ;;
        fio) has fio || packages+=(fio) ;;
        ext4) has mkfs.ext4 e2fsck || packages+=(e2fsprogs) ;;
        xfs) has mkfs.xfs xfs_repair || packages+=(xfsprogs) ;;
        qemu-img) has qemu-img qemu-io || packages+=(qemu-utils) ;;
        prometheus)
            has /usr/bin/python3 && /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null ||
                packages+=(python3-prometheus-client)
            ;;
        ploop) has ploop || packages+=(ploop) ;;
        # What the package depends on, as dpkg sees it.
        jre) dpkg -s openjdk-17-jre-headless >/dev/null 2>&1 ||
            packages+=(openjdk-17-jre-headless) ;;
        python) has /usr/bin/python3 || packages+=(python3) ;;
        # For a look at the units, and to run in a view of the machine.
        systemd) has systemd-analyze || packages+=(systemd) ;;
        debootstrap) has debootstrap || packages+=(debootstrap) ;;
        lintian) has lintian || packages+=(lintian) ;;
        podman) has podman runc || packages+=(podman runc) ;;
        busybox) has_static_busybox || packages+=(busybox-static) ;;
        esac
    done
    printf '%s\n' "${packages[*]}"
}

has() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || return 1
    done
}

# All that is in a test's container.
has_static_busybox() {
    has busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1
}

# Whether there is a compiler of Java 17 or later; sets JAVA_HOME where it is not the usual one.
use_jdk() {
    local javac
    for javac in "${JAVA_HOME:-/nonexistent}/bin/javac" "$(command -v javac)" \
        /usr/lib/jvm/java-17-openjdk-*/bin/javac; do
        if [[ -x $javac ]] && (($(java_version "${javac%c}") >= 17)); then
            javac=$(readlink -f -- "$javac")
            export JAVA_HOME=${javac%/bin/javac}
            return
        fi
    done
    return 1
}

install_packages() {
    local -a packages
    read -ra packages <<<"$1"
    has apt-get || die "these Debian packages are needed and there is no apt-get to install them;" \
        "install what holds the same here: $1"
    ((EUID == 0)) || die "some packages are missing and only root can install them:" \
        "sudo apt-get install --no-install-recommends $1"
    say "installing $1"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q || die "apt-get update failed; the lists of packages cannot be had"
    apt-get install -q -y --no-install-recommends "${packages[@]}" ||
        die "apt-get could not install $1"
}

# Root, /dev/fuse and loop devices: what no package brings.
need_kernel() {
    ((EUID == 0)) || die "this needs root, for loop devices and mounting what is on them"
    [[ -e /dev/fuse ]] || modprobe fuse 2>/dev/null || true
    [[ -e /dev/loop-control ]] || modprobe loop 2>/dev/null || true
    need_fuse
    need_losetup
}
