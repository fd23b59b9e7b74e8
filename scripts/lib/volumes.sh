# shellcheck shell=bash
# volumes: a mount whose daemon makes volumes for docker and podman.

command_volumes() {
    local foreground='' options='' socket='' folder='' dir
    while (($# > 0)); do
        case $1 in
        -f) foreground=yes ;;
        -o | --socket | --folder)
            (($# > 1)) || usage_error "volumes: $1 needs a value"
            case $1 in
            -o) options+=${options:+,}$2 ;;
            --socket) socket=$2 ;;
            --folder) folder=$2 ;;
            esac
            shift
            ;;
        --socket=*) socket=${1#*=} ;;
        --folder=*) folder=${1#*=} ;;
        --)
            shift
            break
            ;;
        -?*) usage_error "volumes: there is no option $1" ;;
        *) break ;;
        esac
        shift
    done
    (($# == 2)) || usage_error "volumes: it is volumes [-f] [-o OPTIONS] [--folder FOLDER]" \
        "--socket PATH TABLE DIR"
    ((EUID == 0)) || die "volumes are for root, who may make loop devices and mount what is on them"
    need_losetup
    if [[ -z $socket ]]; then
        take_socket
        [[ -n $foreground ]] || usage_error "volumes: a socket that is handed over needs -f"
    fi
    [[ $1 == /dev/null ]] || need_table "$1"
    # Who starts it again after a crash need not clear away by hand.
    dir=$(absolute "$2") || die "there is no directory $2"
    if find_sluice "$dir" && [[ $(answer "$dir") == gone ]]; then
        say "the daemon of $2 is gone; what it left is cleared away"
        (command_umount --force "$dir")
    fi
    need_mount_point "$2"
    serve "$foreground" "$1" "$2" volumes ${options:+-o "$options"} \
        ${socket:+--socket "$socket"} ${folder:+--folder "$folder"}
}

# Makes the socket that systemd hands over, as descriptor 3, standard input, where Java finds it.
take_socket() {
    if [[ ${LISTEN_PID-} == "$$" && ${LISTEN_FDS-} == 1 ]]; then
        exec <&3 3<&-
    fi
    [[ $(readlink /proc/self/fd/0) == socket:* ]] ||
        usage_error "volumes: --socket PATH is missing, and no socket is handed over"
}
