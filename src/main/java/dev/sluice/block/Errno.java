package dev.sluice.block;

/** Outcomes with the kernel's numbers (asm-generic/errno-base.h, errno.h); OK is success. */
public enum Errno {
    OK(0, "success"),
    EPERM(1, "operation not permitted"),
    ENOENT(2, "no such file or directory"),
    EINTR(4, "interrupted"),
    EIO(5, "input/output error"),
    ENXIO(6, "no such device or address"),
    E2BIG(7, "argument list too long"),
    EBADF(9, "bad file descriptor"),
    EAGAIN(11, "try again"),
    ENOMEM(12, "out of memory"),
    EACCES(13, "permission denied"),
    EFAULT(14, "bad address"),
    EBUSY(16, "busy"),
    EEXIST(17, "file exists"),
    ENODEV(19, "no such device"),
    ENOTDIR(20, "not a directory"),
    EISDIR(21, "is a directory"),
    EINVAL(22, "invalid argument"),
    EFBIG(27, "file too large"),
    ENOSPC(28, "no space left"),
    EROFS(30, "read-only"),
    ERANGE(34, "out of range"),
    ENOSYS(38, "not implemented"),
    ENODATA(61, "no data"),
    ETIME(62, "timer expired"),
    ENOLINK(67, "link severed"),
    EPROTO(71, "protocol error"),
    EBADMSG(74, "bad message"),
    EILSEQ(84, "invalid byte sequence"),
    EOPNOTSUPP(95, "not supported"),
    ENOTCONN(107, "not connected"),
    ETIMEDOUT(110, "timed out"),
    EINPROGRESS(115, "in progress"),
    EREMOTEIO(121, "remote i/o error"),
    EDQUOT(122, "quota exceeded");

    private static final Errno[] BY_NUMBER = new Errno[134];

    static {
        for (Errno e : values()) {
            BY_NUMBER[e.number] = e;
        }
    }

    private final int number;
    private final String text;

    Errno(int number, String text) {
        this.number = number;
        this.text = text;
    }

    /** The kernel's positive number; 0 for OK. */
    public int number() {
        return number;
    }

    /** A few words for a person. */
    public String text() {
        return text;
    }

    /** The errno of a kernel number; EIO for one that a block device does not give. */
    public static Errno of(int number) {
        Errno e = number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
        return e == null ? EIO : e;
    }
}
