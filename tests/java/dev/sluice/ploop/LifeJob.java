package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.SectorOracle;
import dev.sluice.testing.SimHost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The life of a disk: bios and snapshots all the time, closed and opened again, or ended by a power
 * failure now and then. Everything runs in one thread by a seeded choice, and while a change of a
 * file is being made, other things run. At moments between two changes it is judged what a power
 * failure would leave: no image has a bad word, the disk has all that was flushed and nothing that
 * is another's, and every snapshot that was finished has the bytes that it had, before it is opened
 * and after it was opened and closed.
 */
final class LifeJob implements AutoCloseable {
    static final String FIRST = "disk.hds";
    private static final int SECTOR = MemoryFile.SECTOR;
    private static final int MOST_SNAPSHOTS = 6;

    private final Random random;
    private final int cluster;
    private final int mostClusters;
    private int clusters;
    /** Of so many moments one is judged. */
    private final int rarely;
    private final BiFunction<String, FileOp, FileOp> fault;
    private final CrashFolder.Lie lie;
    private final Arena judges = new Arena();
    private final SectorOracle oracle;
    private final Map<String, byte[]> kept = new LinkedHashMap<>();
    private CrashFolder.State state;
    private CrashFolder folder;
    private Arena arena = new Arena();
    private SimHost sim;
    private Ploop ploop;
    private Device device;
    private SectorOracle.Ticket shot;
    private LongWork.Job work;
    private String shooting;
    /** What is switched to, and what was the top before; or null. */
    private String target;
    private String topFile;
    /** Clusters that the disk has after what is at work; 0 where it is nothing of the kind. */
    private int grown;
    private boolean judging;
    private int left;
    private Throwable failure;

    int steps;
    /** Sums of the states that were judged. */
    final Set<Long> seen = new HashSet<>();
    int snapshots;
    int switches;
    int merges;
    int moves;
    int crashes;
    int closes;
    int planted;

    /**
     * @param rarely of so many moments one is judged
     * @param fault what is made of a file's change in place of what was asked for; null for nothing
     * @param lie what is not durable though it was said to be
     */
    LifeJob(long seed, int rarely, BiFunction<String, FileOp, FileOp> fault, CrashFolder.Lie lie)
            throws Exception {
        this(seed, rarely, fault, lie, false);
    }

    /** With clusters so small that the table soon needs more of them. */
    static LifeJob small(long seed, int rarely, BiFunction<String, FileOp, FileOp> fault)
            throws Exception {
        return new LifeJob(seed, rarely, fault, CrashFolder.Lie.NONE, true);
    }

    private LifeJob(long seed, int rarely, BiFunction<String, FileOp, FileOp> fault,
            CrashFolder.Lie lie, boolean small) throws Exception {
        this.lie = lie;
        random = new Random(seed);
        this.rarely = rarely;
        this.fault = fault;
        cluster = (small ? 512 : 4096) << random.nextInt(2);
        clusters = small ? 60 + random.nextInt(50) : 6 + random.nextInt(14);
        mostClusters = small ? 160 : 40;
        oracle = new SectorOracle((long) cluster * mostClusters);
        MemoryFile file = new MemoryFile(0, 1);
        Image.create(FIRST, Header.create((long) cluster * clusters, cluster), file, judges);
        state = new CrashFolder.State(Map.of(FIRST, file), null, List.of());
    }

    private long size() {
        return (long) cluster * clusters;
    }

    private int most() {
        return cluster * mostClusters;
    }

    /** Runs sessions until so many steps are made; throws on the first thing that is wrong. */
    void run(int most) throws Exception {
        while (steps < most) {
            open();
            boolean crash = random.nextInt(2) == 0;
            left = 1 + random.nextInt(120);
            for (int s = 1 + random.nextInt(6); s > 0; s--) {
                sim.later(this::next);
            }
            int turns = 0;
            while ((!crash || left > 0) && sim.step()) {
                check();
                watch();
                if (++turns > 1_000_000) {
                    throw new AssertionError("a session does not come to rest");
                }
            }
            if (crash) {
                crashed();
            } else {
                closed();
            }
        }
    }

    private void open() throws Exception {
        sim = new SimHost(random.nextLong());
        folder = new CrashFolder(state, random, this::moment, this::other, fault).lies(lie);
        Tuning tuning = new Tuning(new int[] {0, 1, 20, 1000}[random.nextInt(4)] * 1_000_000L, -1,
                50, false, true, (long) cluster << random.nextInt(4), 100);
        ploop = Ploop.open(state.chain(DiskDescriptor.TOP, FIRST), folder, false,
                Options.of(FIRST).with(tuning), sim.host(arena), "p");
        check();
        device = sim.device("p", ploop);
        clusters = (int) (device.limits().size() / cluster);
    }

    private void other() {
        if (!judging && device != null) {
            sim.other();
        }
    }

    private void closed() throws Exception {
        finish();
        if (device.inFlight() != 0) {
            throw new AssertionError(device.inFlight() + " bios never end: " + sim.log);
        }
        device = null;
        ploop.check();
        ploop.close();
        oracle.closed();
        state = folder.now();
        judge(state, true);
        check();
        if (arena.mappedBytes() != 0) {
            throw new AssertionError(arena.mappedBytes() + " bytes of memory are left: "
                    + sim.log);
        }
        clean(state);
        for (String path : state.files().keySet()) {
            if (new CrashImage(state.files().get(path)).inUse()) {
                throw new AssertionError(path + " is marked as in use after the close");
            }
        }
        closes++;
        count();
    }

    /** The power fails, or the process is killed; the next session goes on from what is left. */
    private void crashed() throws Exception {
        device = null;
        state = random.nextBoolean() ? folder.now() : folder.some();
        judge(state.copy(), false);
        check();
        top(state).each(oracle::adopt);
        shooting = null;
        target = null;
        grown = 0;
        work = null;
        kept.keySet().retainAll(guids(state));
        for (String guid : guids(state)) {
            kept.putIfAbsent(guid, content(state, guid));
        }
        arena.close();
        arena = new Arena();
        crashes++;
        count();
    }

    private void count() {
        planted += folder.planted;
    }

    private static List<String> guids(CrashFolder.State of) {
        return of.descriptor() == null ? List.of() : of.descriptor().shots().stream()
                .map(DiskDescriptor.Shot::guid).filter(guid -> !guid.equals(DiskDescriptor.TOP))
                .toList();
    }

    private static CrashImage chain(CrashFolder.State of, String guid) throws BlockException {
        return CrashImage.of(of.chain(guid, FIRST).files().stream()
                .map(part -> of.files().get(part.path())).toList());
    }

    private static CrashImage top(CrashFolder.State of) throws BlockException {
        return chain(of, DiskDescriptor.TOP);
    }

    private byte[] content(CrashFolder.State of, String guid) throws BlockException {
        byte[] all = new byte[most()];
        chain(of, guid).each((sector, bytes, at) -> {
            if (bytes != null) {
                System.arraycopy(bytes, at, all, sector * SECTOR, SECTOR);
            }
        });
        return all;
    }

    private void moment() {
        if (judging || device == null || failure != null || random.nextInt(rarely) != 0) {
            return;
        }
        judging = true;
        try {
            judge(folder.now(), false);
            judge(folder.durable(), false);
            judge(folder.some(), false);
            judge(folder.some(), false);
        } catch (Exception | AssertionError e) {
            fail(e);
        } finally {
            judging = false;
        }
    }

    /** Whether clusters are on their way: in a merge, a growth or a compaction. */
    boolean moving() {
        return work != null && shooting == null && target == null;
    }

    /** Throws where it may not be so. */
    private void judge(CrashFolder.State found, boolean closed) throws Exception {
        seen.add(found.sum());
        boolean was = judging;
        judging = true;
        try {
            look(found, closed);
            CrashFolder after = new CrashFolder(found, random, () -> { }, () -> { },
                    (path, op) -> op);
            SimHost other = new SimHost(1);
            Ploop opened = Ploop.open(found.chain(DiskDescriptor.TOP, FIRST), after, false,
                    Options.of(FIRST), other.host(judges), "j");
            other.run();
            opened.close();
            look(after.now(), closed);
            clean(after.now());
        } catch (AssertionError | RuntimeException | BlockException e) {
            throw new AssertionError("after the crash, with " + found.descriptor() + " and the"
                    + " files " + found.files().keySet() + ": " + e.getMessage(), e);
        } finally {
            judging = was;
        }
    }

    private void look(CrashFolder.State found, boolean closed) throws BlockException {
        for (Map.Entry<String, MemoryFile> file : found.files().entrySet()) {
            if (file.getValue().size() >= cluster) {
                new CrashImage(file.getValue()).checkWords();
            }
        }
        if (target != null && !topFile.equals(topFile(found.descriptor()))) {
            if (!Arrays.equals(kept.get(target), content(found, DiskDescriptor.TOP))) {
                throw new AssertionError("the disk is not what it was switched to");
            }
        } else {
            top(found).judge(oracle, closed);
        }
        for (String guid : guids(found)) {
            byte[] right = kept.get(guid);
            int differs = right == null ? -1 : Arrays.mismatch(right, content(found, guid));
            if (differs >= 0) {
                throw new AssertionError("the snapshot " + guid + " differs at byte " + differs);
            }
        }
    }

    /** Nothing is left beside the disk. */
    private static void clean(CrashFolder.State found) {
        if (!found.files().keySet().equals(new HashSet<>(found.named(FIRST)))
                || !found.doubts().isEmpty()) {
            throw new AssertionError("there are files " + found.files().keySet() + ", noted are "
                    + found.doubts() + ", and named are only " + found.named(FIRST));
        }
    }

    private static String topFile(DiskDescriptor of) throws BlockException {
        return of.image(of.top()).file();
    }

    /** Nothing is thrown where the program could catch it. */
    private void fail(Throwable e) {
        if (failure == null) {
            failure = e;
        }
    }

    private void check() {
        if (failure != null) {
            throw new AssertionError(failure.getMessage(), failure);
        }
    }

    private void next() {
        if (left <= 0) {
            return;
        }
        if (target != null) {
            sim.later(this::next);
            return;
        }
        left--;
        steps++;
        int what = random.nextInt(200);
        if (what < 8 && work == null) {
            act();
            if (target != null) {
                sim.later(this::next);
                return;
            }
        }
        Op op = what < 24 ? Op.FLUSH : what < 50 ? Op.READ : what < 80 ? Op.DISCARD
                : what < 90 ? Op.WRITE_ZEROES : Op.WRITE;
        if (op == Op.FLUSH) {
            submit(op, 0, 0, false, false);
            return;
        }
        boolean whole = random.nextInt(3) == 0;
        long unit = whole ? cluster : SECTOR;
        long from = random.nextLong(size() / unit) * unit;
        long length = Math.min(size() - from, unit * (1 + random.nextInt(whole ? 3 : 12)));
        submit(op, from, length, op.changes() && random.nextInt(12) == 0,
                op == Op.WRITE && random.nextInt(8) == 0);
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
            if (bio.outcome() != Errno.OK) {
                throw new AssertionError(bio + " ended with " + bio.outcome() + ": " + sim.log);
            }
            oracle.end(ticket, bio.outcome(), bio.answerMemory(), bio.answerAt());
        } catch (AssertionError e) {
            fail(e);
        }
        sim.later(this::next);
    }

    private void act() {
        try {
            if (device.inFlight() == 0 && !kept.isEmpty() && random.nextInt(3) == 0) {
                target = new ArrayList<>(kept.keySet()).get(random.nextInt(kept.size()));
                topFile = topFile(folder.read());
                work = ploop.toggle(target);
            } else if (random.nextInt(4) == 0) {
                work = moved();
            } else if (kept.size() >= MOST_SNAPSHOTS || !kept.isEmpty() && random.nextInt(5) < 2) {
                work = mergeable() ? ploop.merge() : null;
            } else {
                shooting = DiskDescriptor.newGuid();
                shot = oracle.begin(Op.READ, 0, most(), false, null, false);
                work = ploop.snapshot(shooting);
            }
        } catch (BlockException e) {
            fail(e);
        }
    }

    /** Work in the top alone. */
    private LongWork.Job moved() throws BlockException {
        int more = random.nextInt(mostClusters - clusters + 1) / 4;
        grown = clusters + more;
        if (more > 0) {
            return ploop.grow((long) cluster * grown);
        }
        LongWork.Job compaction = ploop.top().compaction();
        ploop.work().begin(compaction);
        return compaction;
    }

    /** Whether nothing else stands on what the top stands on. */
    private boolean mergeable() throws BlockException {
        DiskDescriptor now = folder.read();
        return now.on(now.shot(now.top()).parent()).size() == 1;
    }

    private void finish() {
        while (work != null && sim.step()) {
            check();
            watch();
        }
        check();
        if (work != null) {
            throw new AssertionError("it does not end: " + ploop.status());
        }
    }

    /** Notes what has come of the work. */
    private void watch() {
        if (work == null || !"".equals(ploop.status().get("work"))) {
            return;
        }
        String result = (String) ploop.status().get("last_work");
        work = null;
        try {
            if (!result.contains(": done")) {
                throw new AssertionError(result);
            }
            if (shooting != null) {
                byte[] content = content(folder.now(), shooting);
                Memory memory = SimHost.memory(content.length);
                memory.bytes().put(0, content);
                oracle.end(shot, Errno.OK, memory, 0);
                kept.put(shooting, content);
                shooting = null;
                snapshots++;
            } else if (target != null) {
                target = null;
                top(folder.now()).each(oracle::adopt);
                switches++;
            } else if (grown > 0) {
                clusters = grown;
                grown = 0;
                moves++;
            } else {
                merges++;
            }
            kept.keySet().retainAll(guids(folder.now()));
        } catch (BlockException | AssertionError e) {
            fail(e);
        }
    }

    @Override
    public void close() {
        arena.close();
        judges.close();
    }
}
