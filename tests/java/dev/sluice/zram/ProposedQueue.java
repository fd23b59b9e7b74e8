package dev.sluice.zram;

import dev.sluice.block.Errno;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Set;

/**
 * A queue of single pages as the 2016 proposal had it, with its defects, each of which can be had
 * alone. Without any it does what {@link BatchQueue} does, slower.
 */
final class ProposedQueue implements PageQueue {
    /** What was wrong. */
    enum Defect {
        /** A page counts as done when it is begun. */
        EARLY_END,
        /** The outcome is the last page's. */
        LOST_ERRORS,
        /** A request that touches two slots more is counted as one less. */
        COUNT_DRIFT,
        /** Two writers may be at two writes of one page. */
        NO_ORDER,
        /** All that comes is cut into pages and queued at once. */
        UNBOUNDED,
        /** Writers leave when they are told to stop, whatever is queued. */
        NO_DRAIN,
        /** Who wakes writers wakes one too many. */
        OVERSHOOT
    }

    private static final int BATCH = 32;
    private static final int BOUND = 2048;

    private record Page(Request request, int number) {}

    private final class Account {
        private final Request request;
        private int left;
        private Errno failure = Errno.OK;

        Account(Request request) {
            this.request = request;
            this.left = request.pages();
        }
    }

    private final Set<Defect> defects;
    private final Threads threads;
    private final int most;
    private final Deque<Page> pages = new ArrayDeque<>(); // guarded by this
    private final Deque<Request> held = new ArrayDeque<>(); // guarded by this
    private final java.util.Map<Request, Account> accounts =
            new java.util.IdentityHashMap<>(); // guarded by this
    private int queued; // guarded by this
    private int running; // guarded by this
    private boolean stopping; // guarded by this

    ProposedQueue(Threads threads, int most, Defect... defects) {
        this.threads = threads;
        this.most = most;
        this.defects = EnumSet.noneOf(Defect.class);
        this.defects.addAll(Arrays.asList(defects));
    }

    /** The proposal's arithmetic. */
    static int starts(int running, int queued, int batch) {
        return running * batch >= queued ? 0 : (queued + batch) / batch - running;
    }

    @Override
    public void submit(Request request) {
        int wake;
        synchronized (this) {
            held.addLast(request);
            admit();
            wake = wake();
        }
        run(wake);
    }

    private void admit() {
        Request next;
        while ((next = held.peekFirst()) != null) {
            boolean room = queued == 0 || queued + next.pages() <= BOUND;
            if (!(room || defects.contains(Defect.UNBOUNDED))
                    || !defects.contains(Defect.NO_ORDER) && overlaps(next)) {
                return;
            }
            held.removeFirst();
            accounts.put(next, new Account(next));
            for (int i = 0; i < next.pages(); i++) {
                pages.addLast(new Page(next, i));
            }
            queued += next.pages() - (defects.contains(Defect.COUNT_DRIFT) ? 2 : 0);
        }
    }

    private boolean overlaps(Request next) {
        return next.changes() && accounts.keySet().stream().anyMatch(r -> r.changes()
                && r.first() < next.first() + next.pages()
                && next.first() < r.first() + r.pages());
    }

    private int wake() {
        int wake = defects.contains(Defect.OVERSHOOT) || defects.contains(Defect.COUNT_DRIFT)
                ? starts(running, queued, BATCH)
                : WakeRule.starts(running, queued, BATCH, most);
        running += wake;
        return wake;
    }

    private void run(int wake) {
        for (int i = 0; i < wake; i++) {
            threads.run(0, this::drain);
        }
    }

    private void drain() {
        while (true) {
            Deque<Page> batch = new ArrayDeque<>();
            synchronized (this) {
                boolean leaves = stopping && defects.contains(Defect.NO_DRAIN);
                while (!leaves && batch.size() < BATCH && !pages.isEmpty()) {
                    batch.addLast(pages.removeFirst());
                }
                queued -= batch.size();
                if (batch.isEmpty()) {
                    running--;
                    notifyAll();
                    return;
                }
            }
            batch.forEach(this::carry);
        }
    }

    private void carry(Page page) {
        boolean early = defects.contains(Defect.EARLY_END);
        Account account;
        boolean last = false;
        synchronized (this) {
            account = accounts.get(page.request());
            if (early) {
                last = --account.left == 0;
            }
        }
        Errno outcome = page.request().carry(page.number());
        synchronized (this) {
            if (!early) {
                last = --account.left == 0;
            }
            if (defects.contains(Defect.LOST_ERRORS) || account.failure == Errno.OK) {
                account.failure = outcome;
            }
        }
        if (last) {
            page.request().end(account.failure);
            int wake;
            synchronized (this) {
                accounts.remove(page.request());
                admit();
                wake = wake();
            }
            run(wake);
        }
    }

    @Override
    public synchronized int queued() {
        return queued;
    }

    @Override
    public synchronized void close() throws InterruptedException {
        stopping = true;
        for (int i = 0; i < 2000; i++) {
            boolean drained = accounts.isEmpty() && held.isEmpty();
            if (running == 0 && (drained || defects.contains(Defect.NO_DRAIN))) {
                return;
            }
            wait(10);
        }
    }
}
