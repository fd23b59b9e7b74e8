package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import dev.sluice.testing.CrashStates;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import dev.sluice.testing.SectorOracle;
import dev.sluice.testing.SimHost;
import dev.sluice.work.Host;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A long job on one image, with a power failure before every change of the file. Everything runs in
 * one thread by a seeded choice: bios, workers, the timer; and while a change of the file is being
 * made, other things run. Sessions end by a close, or by a power failure that is not only looked
 * at: the next one goes on from what it left. In some there is no room now and then, in some the
 * file takes no changes from some moment on, for a while or for good.
 *
 * <p>In each state: no word is outside of the data, no cluster has two owners, nothing flushed is
 * missing, no sector holds what is another's; the image opens and closes, and all that is so again.
 * Where it is not marked as in use nothing acknowledged is missing either.
 */
final class CrashJob implements AutoCloseable {
    private static final int SECTOR = MemoryFile.SECTOR;

    private final Random random;
    private final Plan plan;
    private CrashOpener opener;
    private final UnaryOperator<FileOp> fault;
    private final Set<Op> without = EnumSet.noneOf(Op.class);
    private boolean noFua;
    private boolean healthy;
    private final Set<Long> seen;
    private final Arena arena = new Arena();
    private final Arena judges = new Arena();
    private final SectorOracle oracle;
    private MemoryFile file;
    private MemoryFile below; // the image, or null
    private SimHost sim;
    private CrashStates states;
    private Device device;
    private boolean growing;
    private int left;
    /** Whether there is no room now and then. */
    private boolean full;
    /** So many changes are made before none is any more. */
    private int life = Integer.MAX_VALUE;
    /** So many then fail. */
    private int sick;
    private long lastFrom;
    private long lastLength = SECTOR;
    private Throwable failure;

    long judged;
    long headerWrites;
    long headerLooks;
    int planted;
    /** Whether requests are taken. */
    boolean running;
    /** Whether it is being closed. */
    boolean closing;
    int closes;
    int crashes;
    int deaths;
    int refused;

    /**
     * What a job is like.
     *
     * @param version of the format
     * @param cluster bytes
     * @param clusters of the disk
     * @param stale clusters of junk that are free
     * @param extended whether there is a format extension at first
     * @param blockSize of the file
     * @param prealloc bytes
     * @param dirtyTimeoutMillis of the table's pages
     * @param samples states left to chance for each moment
     */
    record Plan(int version, int cluster, int clusters, int stale, boolean extended, int blockSize,
            long prealloc, int dirtyTimeoutMillis, int samples) {
        static Plan some(Random random) {
            int cluster = 4096 << random.nextInt(3);
            int[] blocks = {1, 512, 4096};
            int[] timeouts = {0, 1, 20, 20, 1000};
            int version = random.nextInt(6) == 0 ? 1 : 2;
            return new Plan(version, cluster, 12 + random.nextInt(30),
                    random.nextInt(2) * random.nextInt(8), version == 2 && random.nextInt(4) == 0,
                    blocks[random.nextInt(3)], (long) cluster << random.nextInt(5),
                    timeouts[random.nextInt(5)], 14);
        }

        /** The same of another beginning. */
        Plan with(int nowVersion, int nowStale, boolean nowExtended) {
            return new Plan(nowVersion, cluster, clusters, nowStale, nowExtended, blockSize,
                    prealloc, dirtyTimeoutMillis, samples);
        }

        long size() {
            return (long) cluster * clusters;
        }
    }

    /** Has a file that never fails. */
    CrashJob healthy() {
        healthy = true;
        return this;
    }

    /** The target that the program has. */
    static Target ploop(Backing backing, Host host, Plan plan) throws BlockException {
        return CrashBase.ploop(backing, null, host, plan);
    }

    /**
     * @param seen all states so far
     * @param fault says what is carried out in place of what was asked for; null for nothing
     */
    CrashJob(long seed, Plan plan, CrashOpener opener, Set<Long> seen,
            UnaryOperator<FileOp> fault) {
        this.random = new Random(seed);
        this.plan = plan;
        this.opener = opener;
        this.seen = seen;
        this.fault = fault;
        this.oracle = new SectorOracle(opener.most(plan));
        this.file = CrashImage.create(plan.version, plan.cluster, plan.clusters, plan.stale,
                plan.blockSize, plan.extended, random);
    }

    /** Has the image on a raw file, which has something for most of the disk. */
    CrashJob onBase() {
        below = CrashBase.create(plan, oracle, random);
        opener = (backing, host, some) -> CrashBase.ploop(backing, below, host, some);
        return this;
    }

    private CrashImage image(MemoryFile of) {
        return new CrashImage(of, below);
    }

    /** Has no writes with FUA. */
    CrashJob withoutFua() {
        noFua = true;
        return this;
    }

    /** Has no requests of these kinds. */
    CrashJob without(Op... ops) {
        without.addAll(Set.of(ops));
        return this;
    }

    /** Runs some sessions of so many bios each; throws on the first thing that is wrong. */
    void run(int sessions, int bios) throws Exception {
        for (int i = 0; i < sessions; i++) {
            Target target = open();
            running = true;
            full = !healthy && random.nextInt(5) == 0;
            if (!healthy && random.nextInt(5) == 0) {
                life = random.nextInt(4 * bios);
                sick = random.nextBoolean() ? Integer.MAX_VALUE : 1 + random.nextInt(3);
            }
            boolean crash = random.nextInt(3) == 0;
            left = 1 + random.nextInt(2 * bios);
            for (int s = 1 + random.nextInt(8); s > 0; s--) {
                sim.later(this::next);
            }
            long steps = 0;
            while ((!crash || left > 0) && sim.step()) {
                check();
                if (++steps > 1_000_000) {
                    throw new AssertionError("a session does not come to rest");
                }
            }
            running = false;
            if (!crash && !dead()) {
                close(target);
            } else if (crash || gaveUp(target)) {
                crashed();
            }
        }
    }

    private Target open() throws BlockException {
        sim = new SimHost(random.nextLong());
        life = Integer.MAX_VALUE;
        states = new CrashStates(file, random, headerEnd(), plan.samples, seen, this::judge);
        Target target = opener.open(new RecordingBacking(file, new Power()), sim.host(arena), plan);
        check();
        device = sim.device("p", target);
        return target;
    }

    private boolean dead() {
        return life <= 0;
    }

    /** Its file failed: everything ends, and where the target gives up the mark stays. */
    private boolean gaveUp(Target target) throws Exception {
        deaths++;
        try {
            close(target);
            return false;
        } catch (BlockException e) {
            if (!image(file).inUse()) {
                throw new AssertionError("it is marked as closed, though it said: " + e, e);
            }
            return true;
        }
    }

    private void ended() {
        if (device.inFlight() != 0) {
            throw new AssertionError(device.inFlight() + " bios never end: " + sim.log);
        }
    }

    private void close(Target target) throws Exception {
        ended();
        closing = true;
        try {
            target.close();
        } finally {
            closing = false;
        }
        oracle.closed();
        crashNow();
        count();
        check();
        closes++;
        if (image(file).inUse()) {
            throw new AssertionError("it is marked as in use after its close: " + sim.log);
        }
        file = file.copy();
    }

    /** The power fails, and the next session finds one of the states. */
    private void crashed() {
        crashNow();
        count();
        check();
        crashes++;
        file = states.some();
        image(file).adopt(oracle);
    }

    private void count() {
        judged += states.judged();
        headerWrites += states.headerWrites();
        headerLooks += states.headerLooks();
    }

    private long headerEnd() {
        return image(file).dataStart();
    }

    /** The file has it that everything is interrupted, and that the power fails. */
    private final class Power implements RecordingBacking.Watcher {
        @Override
        public Errno before(FileOp op) {
            boolean grows = op.kind() == FileOp.Kind.RESIZE || op.kind() == FileOp.Kind.RESERVE;
            if (grows && growing) {
                fail(new AssertionError("two at a time make the file longer: " + op));
            }
            growing |= grows;
            sim.other();
            growing &= !grows;
            crashNow();
            if ((dead() || running && life-- <= 0) && sick-- > 0) {
                return Errno.EIO;
            }
            FileOp made = fault.apply(op);
            if (made == op) {
                return running && full ? sometimesFull(op) : null;
            }
            planted++;
            if (made != null) {
                made.on(file);
                states.made(made);
            }
            return Errno.OK;
        }

        /** A write may be made in part before it is known that there is no room. */
        private Errno sometimesFull(FileOp op) {
            boolean takes = op.kind() == FileOp.Kind.WRITE || op.kind() == FileOp.Kind.RESERVE;
            if (!takes || random.nextInt(8) != 0) {
                return null;
            }
            refused++;
            if (op.kind() == FileOp.Kind.WRITE && op.length() > SECTOR && random.nextBoolean()) {
                FileOp part = op.first((int) op.length() / 2 / SECTOR * SECTOR);
                part.on(file);
                states.made(part);
            }
            return Errno.ENOSPC;
        }

        @Override
        public void after(FileOp op) {
            states.made(op);
            sim.other();
        }

        @Override
        public void read() {
            sim.other();
        }
    }

    private void crashNow() {
        if (failure != null) {
            return;
        }
        try {
            if (oracle.stricter()) {
                states.stricter();
            }
            states.crash();
        } catch (AssertionError e) {
            fail(e);
        }
    }

    private void judge(MemoryFile state) throws Exception {
        CrashImage raw = image(state);
        boolean closed = !raw.inUse();
        raw.checkWords();
        raw.checkExtension();
        raw.judge(oracle, closed);
        opener.judge(raw);
        Image.open("image", state, judges, (sentence, cause) -> { }).close();
        CrashImage again = image(state);
        again.checkWords();
        again.judge(oracle, closed);
        if (again.inUse()) {
            throw new AssertionError("it is marked as in use after it was opened and closed");
        }
    }

    /** Nothing is thrown where the program could catch it. */
    private void fail(Throwable e) {
        if (failure == null) {
            failure = e;
        }
    }

    private void check() {
        if (failure != null) {
            throw new AssertionError(plan + ": " + failure.getMessage(), failure);
        }
    }

    private void next() {
        if (left <= 0) {
            return;
        }
        left--;
        int what = random.nextInt(100);
        Op op = what < 10 ? Op.FLUSH : what < 20 ? Op.READ : what < 36 ? Op.DISCARD
                : what < 42 ? Op.WRITE_ZEROES : Op.WRITE;
        if (without.contains(op)) {
            op = Op.WRITE;
        }
        if (op == Op.FLUSH) {
            submit(op, 0, 0, false, false);
        } else {
            any(op, op.changes() && !noFua && random.nextInt(8) == 0);
        }
    }

    /** A range of any kind: sectors, whole clusters, what goes across some, the last one. */
    private void any(Op op, boolean fua) {
        long size = device.limits().size();
        long from;
        long length;
        switch (random.nextInt(5)) {
            case 0 -> {
                from = random.nextLong(size / SECTOR) * SECTOR;
                length = SECTOR * (1L + random.nextInt(8));
            }
            case 1 -> {
                from = random.nextLong(size / 4096) * 4096;
                length = 4096;
            }
            case 2 -> {
                from = random.nextLong(size / SECTOR) * SECTOR;
                length = SECTOR * (1 + random.nextLong(3L * plan.cluster / SECTOR));
            }
            case 3 -> {
                from = lastFrom;
                length = lastLength;
            }
            default -> {
                from = random.nextLong(size / plan.cluster) * plan.cluster;
                length = (long) plan.cluster * (1 + random.nextInt(op == Op.DISCARD ? 4 : 2));
            }
        }
        lastFrom = from;
        lastLength = Math.min(length, size - from);
        submit(op, lastFrom, lastLength, fua, op == Op.WRITE && random.nextInt(8) == 0);
    }

    private void submit(Op op, long offset, long length, boolean fua, boolean zeros) {
        Memory data = op.hasData() ? SimHost.memory((int) length) : null;
        SectorOracle.Ticket ticket = oracle.begin(op, offset, length, fua, data, zeros);
        Bio bio = new Bio(b -> ended(b, ticket));
        device.submit(bio.set(op, offset, length, fua, data, 0, 0));
        if (bio.release()) {
            ended(bio, ticket);
        }
    }

    private void ended(Bio bio, SectorOracle.Ticket ticket) {
        try {
            if (bio.outcome() != Errno.OK && !dead()) {
                throw new AssertionError(bio + " ended with " + bio.outcome() + ": " + sim.log);
            }
            oracle.end(ticket, bio.outcome(), bio.answerMemory(), bio.answerAt());
        } catch (AssertionError e) {
            fail(e);
        }
        sim.later(this::next);
    }

    long flushed() {
        return oracle.flushed();
    }

    @Override
    public void close() {
        arena.close();
        judges.close();
    }
}
