package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.TestQueues;
import dev.sluice.target.TargetType;
import dev.sluice.target.TargetTypes;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("unit")
@Timeout(60)
class DeviceSetTest {
    private final List<TargetType> types = FakeType.all();
    private final List<String> events = ((FakeType) types.get(0)).events;
    private final Arena arena = new Arena();
    private final List<Runnable> queued = new ArrayList<>();
    private final Host host = new Host(new SystemClock(), arena, TestQueues.of(queued::add),
            new Completions(false),
            (sentence, cause) -> events.add("log " + sentence),
            new Timer((sentence, cause) -> events.add("log " + sentence)));

    @TempDir
    Path folder;

    @AfterEach
    void end() {
        arena.close();
    }

    private DeviceSet open(String text) throws BlockException {
        return DeviceSet.open(Table.parse(text, types), types, host, folder.resolve("mnt"));
    }

    private static void close(DeviceSet set) throws BlockException {
        set.close(50, () -> { });
    }

    private BlockException mistake(String text) {
        BlockException e = catchThrowableOfType(BlockException.class, () -> open(text));
        assertThat(e).as(text).isNotNull();
        return e;
    }

    @Test
    void opensLowersFirstAndClosesThemLast() throws Exception {
        DeviceSet set = open("top - layer mid\nmid 1M layer base\nbase 2M leaf\nfree 1M bare");
        assertThat(events).containsExactly("open base", "open free", "open mid", "open top");
        assertThat(set.devices()).extracting(Device::name)
                .containsExactly("top", "mid", "base", "free");
        assertThat(set.device("top").lowers()).containsExactly(set.device("mid"));
        assertThat(set.device("none")).isNull();

        events.clear();
        set.close();
        assertThat(events).containsExactly(
                "drain top", "drain mid", "drain base",
                "FLUSH top", "FLUSH mid", "FLUSH base", "close top",
                "drain mid", "drain base", "FLUSH mid", "FLUSH base", "close mid",
                "drain free", "FLUSH free", "close free",
                "drain base", "FLUSH base", "close base");

        events.clear();
        set.close();
        assertThat(events).as("closing again does nothing").isEmpty();
    }

    @Test
    void showsTheTableAsItIs() throws Exception {
        Path image = Files.createFile(folder.resolve("a b"));
        String text = "top - layer \"my disk\" offset=4k\n\"my disk\" - disk \"" + image
                + "\" natural=1M\n";
        DeviceSet set = open(text);

        assertThat(set.table()).isEqualTo(text.replace(" - ", " 1M "));
        assertThat(Table.parse(set.table(), types).text()).isEqualTo(set.table());
    }

    @Test
    void realTargetsPrintLinesThatReadBack() throws Exception {
        String text = "base 1M zero\n\"my disk\" 64k ram\nup 4k linear \"my disk\" offset=8k\n";
        List<TargetType> real = TargetTypes.all();
        DeviceSet set = DeviceSet.open(Table.parse(text, real), real, host, (Path) null);

        assertThat(set.table()).isEqualTo(text);
        set.close();
    }

    @Test
    void givesTargetsAbsolutePaths() throws Exception {
        DeviceSet set = open("a - disk pom.xml");
        assertThat(set.table()).isEqualTo(
                "a 4k disk " + Path.of("pom.xml").toAbsolutePath() + "\n");
    }

    @Test
    void closesWhatWasOpenWhenOneFails() {
        BlockException e = mistake("c - layer b fail=open\nb - layer a\na 1M leaf fail=close");

        assertThat(e).hasMessage("line 1: c: somebody else has it; stop that first");
        assertThat(e.errno()).isEqualTo(Errno.EBUSY);
        assertThat(events).containsExactly("open a", "open b", "open c", "close b", "close a");
        assertThat(e.getSuppressed()).hasSize(1);
    }

    @Test
    void closesWhatWasOpenWhenOneHasABug() {
        assertThat(mistake("a 1M bare\nb 1M leaf fail=bug"))
                .hasMessageStartingWith("line 2: b: leaf does not open: a bug; ");
        assertThat(events).containsExactly("open a", "open b", "close a");
    }

    @Test
    void putsThePlaceBeforeABadUnit() {
        assertThat(mistake("\na 1M leaf speed=3x")).hasMessage("line 2: a: speed 3x is not a size;"
                + " write bytes or a number with k, M, G, T or P, as in 64M");
    }

    @Test
    void refusesSizesThatAreNoMultipleOfTheBlock() {
        assertThat(mistake("a 5k leaf block=4k")).hasMessage("line 1: a: the size 5120 is not a"
                + " multiple of 4096, the block of a; 8192 is");
        assertThat(events).as("the target that opened is closed")
                .containsExactly("open a", "close a");

        assertThat(mistake("a 8k leaf block=4k\nb 1k layer a")).hasMessage("line 2: b: the size"
                + " 1024 is not a multiple of 4096, the block of a; 4096 is");
    }

    @Test
    void refusesSizesThatFollowAndDoNotFit() {
        assertThat(mistake("a - disk /dev/null natural=1000")).hasMessage(
                "line 1: a: the size 1000 is not a multiple of 512; 1024 is");
        assertThat(mistake("a - disk /dev/null natural=0")).hasMessage(
                "line 1: a: the size that follows for disk is 0; let it be at least 512");
    }

    @Test
    void refusesAPathUsedTwiceBeforeAnythingIsOpen() throws Exception {
        Path image = Files.createFile(folder.resolve("image"));
        assertThat(mistake("z 1M bare\na - disk " + image + "\nb - disk " + image)).hasMessage(
                "line 3: b: " + image + " holds the same data as " + image + " of a in line 2;"
                        + " give each device a path of its own");
        assertThat(events).isEmpty();
    }

    @Test
    void refusesAPathUnderTheMount() {
        Path mnt = folder.resolve("mnt");
        assertThat(mistake("a - disk " + mnt + "/x")).hasMessage("line 1: a: " + mnt + "/x lies"
                + " in the directory of the mount, " + mnt + "; name a path outside of it");
        assertThat(events).isEmpty();
    }

    @Test
    void flushesAllAndNamesAllFailures() throws Exception {
        DeviceSet set = open("a 1M leaf fail=flush\nb 1M bare\nc 1M leaf fail=flush");
        events.clear();
        BlockException e = catchThrowableOfType(BlockException.class, set::flush);

        assertThat(e).hasMessage(
                "c: the flush failed: no space left; a: the flush failed: no space left");
        assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
        assertThat(events).contains("FLUSH a", "FLUSH b", "FLUSH c");
    }

    @Test
    void closesEveryDeviceWhateverFails() throws Exception {
        DeviceSet set = open("a 1M leaf fail=flush\nb 1M bare\nc 1M leaf fail=close");
        events.clear();
        BlockException e = catchThrowableOfType(BlockException.class, set::close);

        assertThat(e).hasMessage("c: the lock is lost; a: the flush failed: no space left");
        assertThat(e.errno()).isEqualTo(Errno.EIO);
        assertThat(e.getSuppressed()).hasSize(1);
        assertThat(events).contains("close a", "close b", "close c");
    }

    @Test
    void leavesWhatIsBusyOpenAndWhatItStandsOn() throws Exception {
        DeviceSet set = open("top - layer base fail=hold\nbase 1M leaf\nfree 1M bare");
        Bio bio = new Bio(b -> { }).set(Op.DISCARD, 0, 512, false, null, 0, 0);
        set.device("top").submit(bio);
        assertThat(bio.release()).isFalse();
        events.clear();
        BlockException e = catchThrowableOfType(BlockException.class, () -> close(set));

        assertThat(e).hasMessage("top: not idle after 50ms, requests in flight: 1");
        assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT);
        assertThat(events).containsExactly("drain top", "drain base", "drain free", "FLUSH free",
                "close free", "drain base", "FLUSH base");
    }

    @Test
    void whatComesLateReachesNoTarget() throws Exception {
        DeviceSet set = open("top - layer base\nbase 1M leaf");
        Device base = set.device("base");
        Device top = set.device("top");
        set.close();
        events.clear();
        for (Device device : List.of(top, base)) {
            for (Op op : new Op[] {Op.DISCARD, Op.FLUSH}) {
                Bio bio = new Bio(b -> { }).set(op, 0, op == Op.FLUSH ? 0 : 512, false, null, 0,
                        0);
                device.submit(bio);
                assertThat(bio.release()).isTrue();
                assertThat(bio.outcome()).isEqualTo(Errno.EIO);
            }
        }
        assertThat(events).isEmpty();
    }

    @Test
    void leavesADeviceOpenWhoseFlushDoesNotEnd() throws Exception {
        DeviceSet set = open("a 1M leaf fail=hold");
        events.clear();
        BlockException e = catchThrowableOfType(BlockException.class, () -> close(set));

        assertThat(e).hasMessage("a: the flush failed: timed out");
        assertThat(events).startsWith("drain a", "FLUSH a").doesNotContain("close a");
    }

    @Test
    void nothingComesToATargetThatIsClosed() throws Exception {
        DeviceSet set = open("a 1M leaf");
        Device late = set.device("a");
        set.close();
        events.clear();
        Bio bio = new Bio(b -> { }).set(Op.DISCARD, 0, 512, false, null, 0, 0);
        late.submit(bio);
        assertThat(bio.release()).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.EIO);
        assertThat(events).isEmpty();
    }

    @Test
    void waitsForTheWorkerThatFlushes() throws Exception {
        List<Thread> workers = new ArrayList<>();
        Host busy = new Host(new SystemClock(), arena, TestQueues.of(work -> {
            Thread worker = new Thread(() -> {
                try {
                    Thread.sleep(50);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                work.run();
            });
            workers.add(worker);
            worker.start();
        }), new Completions(false), host.log(), host.timer());
        DeviceSet set = DeviceSet.open(Table.parse("a 1M leaf blocks=yes", types), types, busy,
                (Path) null);
        events.clear();
        set.close();

        // While it waits it hastens again and again.
        assertThat(events.stream().distinct()).containsExactly("drain a", "FLUSH a", "close a");
        for (Thread worker : workers) {
            worker.join(10_000);
        }
    }

    private static Thread started(Thread thread) throws InterruptedException {
        thread.start();
        for (int i = 0; i < 5000 && thread.getState() != Thread.State.TIMED_WAITING; i++) {
            Thread.sleep(1);
        }
        return thread;
    }

    /** Its descriptors may be another's by then. */
    @Test
    void whatIsRemovedAtTheEndIsClosedOnce() throws Exception {
        Queue<Runnable> work = new ConcurrentLinkedQueue<>();
        Host slow = new Host(new SystemClock(), arena, TestQueues.of(work::add),
                new Completions(false), host.log(), host.timer());
        DeviceSet set = DeviceSet.open(Table.parse("a 1M leaf blocks=yes", types), types, slow,
                (Path) null);
        Bio stuck = new Bio(bio -> { }).set(Op.READ, 0, 512, false, arena.map(4096), 0, 0);
        set.device("a").submit(stuck);
        stuck.release();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        Thread removing = started(new Thread(() -> noting(failures, () ->
                set.remove(List.of("a"), 20_000, () -> { }))));
        Thread closing = started(new Thread(() -> noting(failures, () ->
                set.close(20_000, () -> { }))));
        for (int i = 0; i < 20_000 && (removing.isAlive() || closing.isAlive()); i++) {
            Runnable next = work.poll();
            if (next == null) {
                Thread.sleep(1);
            } else {
                next.run();
            }
        }
        removing.join(20_000);
        closing.join(20_000);
        assertThat(failures).isEmpty();
        assertThat(events).filteredOn("close a"::equals).hasSize(1);
    }

    @Test
    void whoClosesAllWaitsForWhoRemovesOne() throws Exception {
        DeviceSet set = open("a 1M leaf");
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        CountDownLatch shut = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread removing = started(new Thread(() -> noting(failures, () ->
                set.remove(List.of("a"), 20_000, () -> {
                    shut.countDown();
                    awaited(go);
                }))));
        awaited(shut);
        Thread closing = started(new Thread(() -> noting(failures, () ->
                set.close(20_000, () -> { }))));
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> !closing.isAlive()
                || closing.getState() == Thread.State.TIMED_WAITING);
        go.countDown();
        removing.join(20_000);
        closing.join(20_000);
        assertThat(failures).isEmpty();
        assertThat(events).filteredOn("close a"::equals).hasSize(1);
    }

    private static void awaited(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private interface Closing {
        void run() throws BlockException;
    }

    private static void noting(Queue<Throwable> failures, Closing what) {
        try {
            what.run();
        } catch (BlockException | RuntimeException | Error e) {
            failures.add(e);
        }
    }

    private DeviceSet withMore(String first, String more) throws BlockException {
        DeviceSet set = open(first);
        events.clear();
        set.add(Table.parse(more, types));
        return set;
    }

    @Test
    void devicesComeAndGoInUse() throws Exception {
        DeviceSet set = withMore("a 1M bare", "top - layer low\nlow 1M leaf");
        assertThat(events).containsExactly("open low", "open top");
        assertThat(set.devices()).extracting(Device::name).containsExactly("a", "top", "low");
        Device top = set.device("top");
        assertThat(top.lowers()).containsExactly(set.device("low"));
        events.clear();
        set.remove(List.of("low", "top"), 50, () -> events.add("replies"));
        assertThat(events).containsSubsequence("FLUSH top", "replies", "close top", "FLUSH low",
                "close low").doesNotContain("close a");
        assertThat(set.device("top")).isNull();
        assertThat(set.devices()).extracting(Device::name).containsExactly("a");
        set.add(Table.parse("top 1M leaf", types));
        assertThat(set.device("top")).isNotNull().isNotSameAs(top);
        events.clear();
        close(set);
        assertThat(events).contains("close top", "close a");
    }

    @Test
    void aSecondOfTheSameNameIsRefusedAndNothingIsOpened() throws Exception {
        DeviceSet set = open("a 1M bare");
        events.clear();
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> set.add(Table.parse("b 1M leaf\na 1M leaf", types)));
        assertThat(e.errno()).isEqualTo(Errno.EEXIST);
        assertThat(e.getMessage()).contains("line 2: a: there is a device of this name");
        assertThat(events).isEmpty();
        assertThat(set.device("b")).isNull();
        close(set);
    }

    @Test
    void pathsAreTakenAndGivenBack() throws Exception {
        List<TargetType> real = TargetTypes.all();
        Path file = Files.write(folder.resolve("file"), new byte[4096]);
        Host direct = new Host(host.clock(), arena, TestQueues.of(Runnable::run),
                host.completions(), host.log(), host.timer());
        DeviceSet set = DeviceSet.open(Table.parse("a 1M ram", real), real, direct,
                (Path) null);
        Table table = Table.parse("f - file " + file, real);
        Table other = Table.parse("g - file " + file, real);
        set.add(table);
        assertThat(catchThrowableOfType(BlockException.class, () -> set.add(other)))
                .hasMessageContaining("the same data");
        assertThat(set.device("g")).isNull();
        set.remove(List.of("f"), 1000, () -> { });
        set.add(other);
        assertThat(set.devices()).extracting(Device::name).containsExactly("a", "g");
        set.close();
    }

    @Test
    void whatFailsToOpenLeavesNothing() throws Exception {
        List<TargetType> real = TargetTypes.all();
        DeviceSet set = DeviceSet.open(Table.parse("a 1M ram", real), real, host, (Path) null);
        Table bad = Table.parse("x - delay y read=1ms\ny 1M zram codec=lz4 level=77777", real);
        assertThat(catchThrowableOfType(BlockException.class, () -> set.add(bad))).isNotNull();
        assertThat(set.devices()).extracting(Device::name).containsExactly("a");
        assertThat(set.device("y")).isNull();
        set.add(Table.parse("y 1M ram", real));
        set.close();
    }

    /** It could be found before the one above it failed. */
    @Test
    void whatFailsToOpenIsNotClosedWhileSomebodyLooksAtIt() throws Exception {
        DeviceSet set = open("free 1M bare");
        CountDownLatch found = new CountDownLatch(1);
        Thread visitor = new Thread(() -> set.visit(() -> {
            assertThat(set.device("base")).isNotNull();
            found.countDown();
            for (int i = 0; i < 200 && !events.contains("close base"); i++) {
                LockSupport.parkNanos(1_000_000);
            }
            events.add("left");
            return null;
        }));
        ((FakeType) types.get(1)).onOpen = () -> {
            visitor.start();
            found.await();
        };
        assertThat(catchThrowableOfType(BlockException.class, () -> set.add(Table.parse(
                "top - layer base fail=open\nbase 1M leaf", types)))).isNotNull();
        visitor.join(20_000);
        assertThat(events).containsExactly("open free", "open base", "open top", "left",
                "close base");
        set.close();
    }

    /** Whoever found the device before may go on looking; it is closed when he has gone. */
    @Test
    void aDeviceStaysOpenWhileSomebodyLooksAtIt() throws Exception {
        DeviceSet set = open("a 1M bare\nb 1M leaf");
        events.clear();
        Thread remover = new Thread(() -> {
            try {
                set.remove(List.of("b"), 20_000, () -> { });
            } catch (BlockException e) {
                throw new IllegalStateException(e);
            }
        });
        set.visit(() -> {
            Device found = set.device("b");
            remover.start();
            while (set.device("b") != null) {
                Thread.onSpinWait();
            }
            Thread.sleep(20);
            assertThat(found).isNotNull();
            assertThat(events).isEmpty();
            return null;
        });
        remover.join(20_000);
        assertThat(events).contains("close b");
        close(set);
    }
}
