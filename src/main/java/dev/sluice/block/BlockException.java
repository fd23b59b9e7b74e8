package dev.sluice.block;

import java.io.IOException;

/**
 * A failure of the control plane: an errno and one sentence that a user can act on. The data plane
 * never throws it; it ends bios with an {@link Errno}.
 */
public final class BlockException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    /** The sentence names what is wrong and what would be right. */
    public BlockException(Errno errno, String sentence) {
        super(sentence);
        this.errno = errno;
    }

    /** The same, with the failure below it. */
    public BlockException(Errno errno, String sentence, Throwable cause) {
        super(sentence, cause);
        this.errno = errno;
    }

    /** Storage below failed: {@code what} could not be done, and this is what helps. */
    public static BlockException storage(Errno outcome, String what) {
        String next = switch (outcome) {
            case ENOSPC, EDQUOT -> "make room on its file system";
            case EROFS -> "its file system must be writable";
            case EFBIG -> "its file system must take larger files, and so must ulimit -f";
            case ENOMEM -> "free memory and try again";
            default -> "see what the kernel says of its storage: dmesg";
        };
        return new BlockException(outcome, what + ": " + outcome.text() + "; " + next);
    }

    /** The number a system call answers with. */
    public Errno errno() {
        return errno;
    }
}
