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

    /** The number a system call answers with. */
    public Errno errno() {
        return errno;
    }
}
