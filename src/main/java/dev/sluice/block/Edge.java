package dev.sluice.block;

/**
 * The piece of a bio that covers a block only in part. A read fetches the block and copies out of
 * it; a change fetches it, changes it, and writes it back. It holds no thread while it waits.
 *
 * <p>States: no piece yet → READING → (WRITING →) ended. The bio it belongs to is held from
 * {@link #start} to the end.
 */
final class Edge implements Bio.End {
    private final Device device;
    private final Bio bio;
    private final long from;
    private final int length;
    private final Bio step = new Bio(this);
    private int pieceAt;
    private boolean writing;

    /** The range [from, from + length) of the bio's device lies in one block. */
    Edge(Device device, Bio bio, long from, int length) {
        this.device = device;
        this.bio = bio;
        this.from = from;
        this.length = length;
    }

    /** The bio has been held for this edge. */
    void start() {
        int at = device.scratch().take(this);
        if (at >= 0) {
            piece(at);
        }
    }

    /** There is scratch now: fetch the block. */
    void piece(int at) {
        pieceAt = at;
        step(Op.READ);
    }

    @Override
    public void ended(Bio ended) {
        if (step.outcome() != Errno.OK) {
            finish(step.outcome());
        } else if (writing) {
            finish(null);
        } else if (bio.op() == Op.READ) {
            Memory found = step.answerMemory();
            bio.data().copyFrom(dataAt(), found, step.answerAt() + inBlock(), length);
            finish(null);
        } else {
            change();
            writing = true;
            step(Op.WRITE);
        }
    }

    private void change() {
        Memory piece = device.scratch().memory();
        if (step.answerMemory() != piece || step.answerAt() != pieceAt) {
            piece.copyFrom(pieceAt, step.answerMemory(), step.answerAt(),
                    device.scratch().pieceBytes());
        }
        if (bio.op() == Op.WRITE) {
            piece.copyFrom(pieceAt + inBlock(), bio.data(), dataAt(), length);
        } else {
            piece.copyFrom(pieceAt + inBlock(), device.zeros(), 0, length);
        }
    }

    private void step(Op op) {
        int block = device.scratch().pieceBytes();
        step.set(op, from - inBlock(), block, op == Op.WRITE && bio.fua(),
                device.scratch().memory(), pieceAt, bio.caller()).request(bio.request());
        device.issue(step);
        if (step.release()) {
            ended(step);
        }
    }

    private void finish(Errno errno) {
        int at = pieceAt;
        Edge next = device.scratch().give(at);
        try {
            bio.drop(errno);
        } finally {
            // Last, for it may keep this thread as long as others come to wait.
            if (next != null) {
                device.resume(() -> next.piece(at));
            }
        }
    }

    private int inBlock() {
        return (int) (from & (device.scratch().pieceBytes() - 1));
    }

    private int dataAt() {
        return bio.dataAt() + (int) (from - bio.offset());
    }
}
