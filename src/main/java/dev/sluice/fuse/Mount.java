package dev.sluice.fuse;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.control.ControlFiles;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import dev.sluice.table.DeviceSet;
import dev.sluice.work.Completions;
import dev.sluice.work.Timer;
import dev.sluice.work.TimerThread;
import dev.sluice.work.WorkerPool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import jnr.ffi.Struct;

/**
 * A mounted file system and the threads that serve it. Made by {@link #start}; it ends when
 * somebody unmounts it, which {@link #await} waits for.
 */
public final class Mount {
    static final String FUSE = "/dev/fuse";
    /** No device can have this name. */
    private static final String COMPLETION = "(completion)";
    private static final String LOOPS = "(loops)";
    private static final String INTERRUPTS = "(interrupts)";
    private static final int MNT_DETACH = 2;
    private static final int POLL_MILLIS = 10;
    private static final int STUCK_MILLIS = 1000;
    private static final int REPLY_MILLIS = 1000;

    private final Path dir;
    private final MountOptions options;
    private final boolean changing;
    private final SluiceFs fs;
    private final SlotPool slots;
    private final WorkerPool workers;
    private final Device.Log log;
    private final Arena arena;
    private final Background background;
    private final IdleCpus idle;
    /** Null until the mount is there, and where the kernel has no such file for us. */
    private volatile Background.ControlFile control;
    /** Null until the mount is there, and where the stock loop reads. */
    private volatile Arrivals arrivals;
    private volatile boolean gone;
    /** Null where the stock loop reads. */
    private volatile Sessions sessions;
    private volatile Watch watch;
    private volatile Thread stockLoop;

    /**
     * What a mount serves and what it may use.
     *
     * @param changing whether devices come and go: then nobody keeps their names
     */
    public record Parts(DeviceSet devices, Handles handles, boolean changing,
            ControlFiles control,
            Arena arena, WorkerPool workers, Completions completions, Timer timer,
            Clock clock, Device.Log log, long sinceSeconds) {}


    private Mount(Path dir, MountOptions options, Parts parts) {
        this.dir = dir;
        this.options = options;
        this.changing = parts.changing();
        this.workers = parts.workers();
        this.log = parts.log();
        this.arena = parts.arena();
        this.idle = new IdleCpus(options.stock() ? IdleCpus.Mode.SLEEP : options.idle(), arena);
        this.background = new Background(options.payload(), options.maxBackground(), this::tell);
        this.slots = new SlotPool(arena, background, new CompletionWorker(options.completion(),
                workers.queue(COMPLETION), parts.log()), parts.log());
        this.fs = new SluiceFs(parts.devices(), parts.control(), parts.handles(),
                new StockData(), options, parts.sinceSeconds(),
                new Loops(real(dir), workers.queue(LOOPS), log));
    }

    /**
     * Mounts, and answers once requests are served. A failure is one sentence, and nothing stays
     * mounted.
     */
    public static Mount start(Path dir, MountOptions options, Parts parts) throws BlockException {
        checkFuse();
        Mount mount = new Mount(dir, options, parts);
        if (options.stock()) {
            new TimerThread(parts.clock(), options.spinNanos(), parts.timer());
            mount.startStock();
        } else {
            if (!parts.timer().exact()) {
                // Session threads that look at the time are slower for a caller who waits.
                new TimerThread(parts.clock(), 0, parts.timer());
            }
            mount.startSession(parts);
        }
        return mount;
    }

    private static Path real(Path dir) {
        try {
            return dir.toRealPath();
        } catch (IOException e) {
            return dir.toAbsolutePath().normalize();
        }
    }

    private static void checkFuse() throws BlockException {
        if (!Files.exists(Path.of(FUSE))) {
            throw new BlockException(Errno.ENODEV, FUSE
                    + " is missing; modprobe fuse loads the kernel's module");
        }
        int fd = Libc.LIBC.open(FUSE, Native.O_RDWR | Native.O_CLOEXEC, 0);
        if (fd < 0) {
            throw new BlockException(Native.error(), FUSE + " cannot be opened ("
                    + Native.error().text() + "): it must be readable and writable for this user");
        }
        Libc.LIBC.close(fd);
    }

    private String mountOptions() {
        return "fsname=sluice,subtype=sluice,default_permissions,direct_io,attr_timeout=0,"
                + "entry_timeout=" + (changing ? 0 : 60) + ",big_writes"
                + (options.allowOther() ? ",allow_other" : "")
                + (options.readOnly() ? ",ro" : "");
    }

    /** jnr-fuse's own loop keeps its thread until somebody unmounts; the mount table tells when. */
    private void startStock() throws BlockException {
        AtomicReference<RuntimeException> failure = new AtomicReference<>();
        Thread loop = new Thread(() -> {
            try {
                fs.mount(dir, true, false, new String[] {"-o", mountOptions()});
            } catch (RuntimeException e) {
                failure.set(e);
            }
        }, "stock-loop");
        stockLoop = loop;
        loop.start();
        while (!isMounted()) {
            try {
                loop.join(POLL_MILLIS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (!loop.isAlive()) {
                throw refused(failure.get());
            }
        }
    }

    private BlockException refused(RuntimeException cause) {
        return new BlockException(Errno.EPERM, dir + " could not be mounted: the system refused;"
                + " unless root, the user needs fusermount and the directory must be its own"
                + (options.allowOther() ? ", and allow_other needs user_allow_other in"
                + " /etc/fuse.conf" : ""), cause);
    }

    private void startSession(Parts parts) throws BlockException {
        Arena arena = parts.arena();
        LibFuse2 lib;
        try {
            lib = LibFuse2.load();
        } catch (UnsatisfiedLinkError e) {
            throw new BlockException(Errno.ENOENT, "libfuse.so.2 is missing; install libfuse2", e);
        }
        Memory page = arena.map(4 * Arena.PAGE);
        long argv = arguments(page, "sluice", "-f", "-o", mountOptions(), dir.toString());
        long fuse = lib.fuse_setup(5, argv, fs.operations(), Struct.size(fs.operations()),
                page.address() + 256, page.address() + 264, 0);
        arena.unmap(page);
        if (fuse == 0) {
            throw refused(null);
        }
        try {
            serve(lib, fuse, parts);
        } catch (RuntimeException | Error e) {
            unmount();
            throw e;
        }
    }

    private void serve(LibFuse2 lib, long fuse, Parts parts) {
        Arena arena = parts.arena();
        Handshake handshake = new Handshake(lib, fuse, background.told(), arena);
        Channel channel = handshake.kernel();
        init(handshake, channel, arena);
        Channels channels = Channels.of(channel, arena, log);
        int connection = connection();
        control = Background.ControlFile.open(connection, arena);
        // Where nothing is delayed nobody asks.
        arrivals = Arrivals.of(connection, channel,
                parts.timer().exact() && options.kernelArrivals(), parts.clock(), arena);
        Intake intake = new Intake(channels, parts.completions(), parts.timer(), options,
                parts.clock(), idle, arrivals, arena);
        Readers readers = new Readers(options.threads() - 1);
        DeviceSet devices = parts.devices();
        Interrupts interrupts = new Interrupts(
                look -> devices.visit(() -> look.test(devices.devices())), parts.timer(),
                workers.queue(INTERRUPTS), parts.clock(), log);
        sessions = new Sessions(new Sessions.Factory() {
            @Override
            public Session make(int number) {
                return new Session(channels, intake, handshake, parts.handles(), slots,
                        workers::queue, interrupts, options.inline(), readers, sessions,
                        number == 0, Pace.ofThread(parts.clock(), arena),
                        Crowding.ofThread(parts.clock(), arena));
            }

            @Override
            public Thread start(int number, Session session) {
                return workers.watchedMember("session-" + number, session,
                        () -> watch.begins());
            }
        }, readers, log);
        watch = new Watch(sessions);
        for (int i = 0; i < options.threads(); i++) {
            sessions.add();
        }
        workers.member("watch", watch);
    }

    private boolean tell(int requests) {
        return control != null && control.test(requests);
    }

    /** The connection's number: the minor number of the mounted file system. */
    private int connection() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
                String[] f = line.split(" ");
                if (f[4].equals(escaped()) && line.contains(" - fuse.sluice ")) {
                    return Integer.parseInt(f[2].substring(f[2].indexOf(':') + 1));
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("no list of mounts", e);
        }
        throw new IllegalStateException(dir + " is not in the list of mounts");
    }

    /** The directory as lists of mounts have it. */
    private String escaped() {
        return dir.toString().replace("\\", "\\134").replace(" ", "\\040");
    }

    /** argv at the start of the memory, the texts behind it. */
    private static long arguments(Memory memory, String... texts) {
        int at = 512;
        for (int i = 0; i < texts.length; i++) {
            byte[] text = texts[i].getBytes(StandardCharsets.UTF_8);
            memory.bytes().putLong(8 * i, memory.address() + at);
            memory.bytes().put(at, text);
            at += text.length + 1;
        }
        return memory.address();
    }

    private static void init(Handshake handshake, Channel channel, Arena arena) {
        Memory first = arena.map(Wire.WRITE_HEADER + Wire.LARGEST_WRITE);
        int length = Channel.NOTHING;
        while (length == Channel.NOTHING) {
            length = channel.read(first.address(), first.size());
        }
        if (length == Channel.GONE || first.bytes().getInt(Wire.IN_OPCODE) != Wire.INIT) {
            throw new IllegalStateException("the kernel's first message is not INIT");
        }
        handshake.init(first, length);
        arena.unmap(first);
    }

    /**
     * Waits until the file system is unmounted or its connection aborted: null. Or until a thread
     * that serves it failed: the reason; then it is still mounted, and nobody reads it any more.
     */
    public String await() throws InterruptedException {
        if (stockLoop != null) {
            stockLoop.join();
            gone = true;
            return null;
        }
        for (int i = 0; i < sessions.threads().size(); i++) {
            awaitEnd(i);
        }
        background.close();
        watch.close();
        arrivals.close();
        String failure = sessions.all().stream().map(Session::failure).filter(Objects::nonNull)
                .map(e -> "a session thread failed: " + e).findFirst().orElse(null);
        gone = failure == null;
        return failure;
    }

    /** Whoever is stuck when the others have ended does not find the mount either, later. */
    private void awaitEnd(int number) throws InterruptedException {
        Thread thread = sessions.threads().get(number);
        Session session = sessions.all().get(number);
        while (thread.isAlive() && !(session.stuck()
                && sessions.threads().stream().anyMatch(t -> !t.isAlive()))) {
            // Rarely: all the time that it is mounted somebody is in here.
            thread.join(STUCK_MILLIS);
        }
    }

    private boolean isMounted() {
        String needle = " " + escaped() + " ";
        try {
            return Files.readString(Path.of("/proc/self/mounts")).contains(needle + "fuse.sluice");
        } catch (IOException e) {
            throw new IllegalStateException("no list of mounts", e);
        }
    }

    /**
     * Takes the mount away. False when something still holds a file open: then the name is gone
     * and what comes is no longer read.
     */
    public boolean unmount() {
        if (gone) {
            // Somebody has, and what is mounted there now is another's.
            return true;
        }
        if (Libc.LIBC.geteuid() != 0) {
            if (fusermount("-u")) {
                return true;
            }
            if (!fusermount("-uz")) {
                log.error(dir + " could not be unmounted with fusermount", null);
            }
            return stopReading();
        }
        if (Libc.LIBC.umount2(dir.toString(), 0) == 0) {
            return true;
        }
        log.error(dir + " is busy (" + Native.error().text() + "): detached", null);
        Libc.LIBC.umount2(dir.toString(), MNT_DETACH);
        return stopReading();
    }

    /**
     * Waits until replies that were begun are sent, a second at most: they may be sent from the
     * memory of a target that is to be closed. For when no device has a request in flight.
     */
    public void awaitReplies() {
        for (int i = 0; i < REPLY_MILLIS && sessions != null
                && sessions.all().stream().anyMatch(Session::handling); i++) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private boolean stopReading() {
        if (sessions != null) {
            sessions.all().forEach(Session::stop);
        }
        return false;
    }

    private boolean fusermount(String how) {
        try {
            Process p = new ProcessBuilder("fusermount", how, "--", dir.toString())
                    .redirectErrorStream(true).start();
            return p.waitFor(10, TimeUnit.SECONDS) && p.exitValue() == 0;
        } catch (IOException e) {
            log.error("fusermount cannot be run: " + e.getMessage(), e);
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** What status shows of the mount's threads and memory. */
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("loop", options.stock() ? "stock" : "session");
        List<Object> served = new ArrayList<>();
        if (sessions != null) {
            sessions.all().forEach(s -> served.add(s.served()));
            all.put("session_served", served);
            all.put("session_allocated",
                    sessions.threads().stream().map(HeapUse::allocated).toList());
        }
        all.putAll(workers.status());
        all.put("idle_cpus", idle.state());
        if (arrivals != null) {
            all.put("arrival", arrivals.state());
        }
        all.put("payload_taken", slots.takenBytes());
        all.put("payload_most", options.payload());
        all.put("max_background", background.told());
        all.put("max_background_fixed", background.fixed());
        return all;
    }
}
