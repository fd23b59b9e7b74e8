package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.sys.Arena;
import dev.sluice.work.Host;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Plain memory, as the kernel's brd: taken on the first write, given back on discard. It is made
 * of {@link RamChunk}s that are mapped on their first write, so that an empty device costs nothing
 * whatever its size.
 *
 * <p>Races, without a lock. The memory is the truth; a page's bit says that it may hold data.
 * <ul>
 * <li>A write copies first and sets the bit afterwards, always. A discard clears the bit first
 *     and gives the page back afterwards. So a bit that is clear stands for a page that is zero,
 *     or that a write or a discard in flight is still at: whichever of a write and a discard comes
 *     last, no data is left without a bit, and old bytes never come back.
 * <li>A read takes the shared zeros only where no bit is set and no discard is between its two
 *     steps; else a small write meanwhile could show a page's old bytes once more.
 * <li>Where part of a page is zeroed, its bytes are looked at, not its bit: a discard that has
 *     cleared the bit may not have given the page back yet.
 * <li>Writes, discards and reads in flight of the same bytes may mix, as on any disk.
 * <li>Several writers may find a chunk missing: one maps it, under a lock; the others take that.
 * </ul>
 */
final class RamTarget implements Target {
    static final TargetType TYPE = new Type();

    private static final int CHUNK_SHIFT = 30;
    private static final long CHUNK = 1L << CHUNK_SHIFT;
    /** Half of the address space of a process. */
    private static final long MAX_SIZE = 64L << 40;

    private final Limits limits;
    private final Arena arena;
    private final Memory zeros;
    private final AtomicReferenceArray<RamChunk> chunks;

    private RamTarget(Limits limits, Arena arena) {
        this.limits = limits;
        this.arena = arena;
        this.zeros = arena.map(Limits.MAX_DATA);
        this.chunks = new AtomicReferenceArray<>(
                (int) ((limits.size() + CHUNK - 1) >>> CHUNK_SHIFT));
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        Errno outcome = Errno.OK;
        switch (bio.op()) {
            case READ -> read(bio);
            case WRITE -> outcome = write(bio);
            case DISCARD, WRITE_ZEROES -> zero(bio);
            case FLUSH -> { }
            default -> throw new AssertionError(bio.op());
        }
        if (outcome == Errno.OK) {
            bio.complete();
        } else {
            bio.fail(outcome);
        }
    }

    private void read(Bio bio) {
        int length = (int) bio.length();
        int at = inChunk(bio.offset());
        if (at + (long) length <= CHUNK) {
            RamChunk chunk = chunks.getAcquire(index(bio.offset()));
            if (chunk == null || chunk.untouched(at, length)) {
                bio.answer(zeros, 0);
            } else {
                bio.answer(chunk.bytes(), at);
            }
            return;
        }
        for (long o = bio.offset(); o < bio.until();) {
            int piece = piece(o, bio.until());
            RamChunk chunk = chunks.getAcquire(index(o));
            bio.data().copyFrom(bio.dataAt() + (int) (o - bio.offset()),
                    chunk == null ? zeros : chunk.bytes(), chunk == null ? 0 : inChunk(o), piece);
            o += piece;
        }
    }

    private Errno write(Bio bio) {
        for (long o = bio.offset(); o < bio.until();) {
            int piece = piece(o, bio.until());
            RamChunk chunk = chunks.getAcquire(index(o));
            if (chunk == null) {
                chunk = map(index(o));
            }
            if (chunk == null) {
                return Errno.ENOMEM;
            }
            chunk.write(inChunk(o), bio.data(), bio.dataAt() + (int) (o - bio.offset()), piece);
            o += piece;
        }
        return Errno.OK;
    }

    private synchronized RamChunk map(int index) {
        RamChunk chunk = chunks.get(index);
        if (chunk == null) {
            try {
                chunk = new RamChunk(arena, chunkSize(index));
            } catch (OutOfMemoryError e) {
                // Nothing was taken: the writer is told, and the device goes on.
                return null;
            }
            chunks.setRelease(index, chunk);
        }
        return chunk;
    }

    private void zero(Bio bio) {
        for (long o = bio.offset(); o < bio.until();) {
            int piece = piece(o, bio.until());
            RamChunk chunk = chunks.getAcquire(index(o));
            if (chunk != null && bio.op() == Op.DISCARD) {
                chunk.discard(inChunk(o), piece, zeros);
            } else if (chunk != null) {
                chunk.zero(inChunk(o), piece, zeros);
            }
            o += piece;
        }
    }

    private static int index(long offset) {
        return (int) (offset >>> CHUNK_SHIFT);
    }

    private static int inChunk(long offset) {
        return (int) (offset & (CHUNK - 1));
    }

    /** Bytes from the offset to the end of the range or of the chunk. */
    private static int piece(long offset, long until) {
        return (int) Math.min(until - offset, CHUNK - inChunk(offset));
    }

    private int chunkSize(int index) {
        return (int) Math.min(CHUNK, limits.size() - ((long) index << CHUNK_SHIFT));
    }

    @Override
    public long allocated(long offset, long length) {
        long sum = 0;
        for (long o = offset; o < offset + length;) {
            int piece = piece(o, offset + length);
            RamChunk chunk = chunks.getAcquire(index(o));
            if (chunk != null) {
                sum += chunk.allocated(inChunk(o), piece);
            }
            o += piece;
        }
        return sum;
    }

    @Override
    public long seek(long offset, boolean data) {
        for (long o = offset; o < limits.size();) {
            long start = o & -CHUNK;
            RamChunk chunk = chunks.getAcquire(index(o));
            if (chunk == null && !data) {
                return o;
            }
            if (chunk != null) {
                int found = chunk.seek(inChunk(o), data);
                if (found < chunkSize(index(o))) {
                    return start + found;
                }
            }
            o = start + CHUNK;
        }
        return limits.size();
    }

    @Override
    public Map<String, Object> status() {
        long bytes = allocated(0, limits.size());
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("pages", (bytes + RamChunk.PAGE - 1) / RamChunk.PAGE);
        all.put("allocated_bytes", bytes);
        return all;
    }

    @Override
    public String arguments() {
        return limits.blockSize() == 1 ? "" : "block=" + Units.size(limits.blockSize());
    }

    @Override
    public void close() {
        for (int i = 0; i < chunks.length(); i++) {
            RamChunk chunk = chunks.getAndSet(i, null);
            if (chunk != null) {
                chunk.unmap(arena);
            }
        }
        arena.unmap(zeros);
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "ram";
        }

        @Override
        public String summary() {
            return "keeps data in memory, taken on write and given back on discard";
        }

        @Override
        public int lowers() {
            return 0;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(new Parameter("block", "SIZE", "",
                    "smallest unit stored, 512 to 64k; any byte range when not given"));
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            int block = args.blockSize("block", 1);
            if (args.size() > MAX_SIZE) {
                throw new BlockException(Errno.EFBIG, "size " + Units.size(args.size())
                        + " must be at most " + Units.size(MAX_SIZE));
            }
            if (args.size() % block != 0) {
                throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size())
                        + " must be a multiple of block=" + Units.size(block));
            }
            Limits limits = Limits.memory(args.size());
            return new RamTarget(block == 1 ? limits : limits.withBlockSize(block), host.arena());
        }
    }
}
