package dev.sluice.volumes;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Reads requests and sends answers, all in one thread that waits for nobody: what is asked is
 * somebody else's work. Each request is answered in time, if only with the word that it takes
 * longer. Connections are bounded; the one that has been sending its request for the longest makes
 * room for a new one.
 */
final class Server implements Runnable, AutoCloseable {
    /** Who asks gives up after 5 s. */
    static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(4);
    static final int MOST_CONNECTIONS = 256;

    private static final long SEND_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int BUFFER = 16 << 10;

    /** Takes requests; it must not block. */
    @FunctionalInterface
    interface Handler {
        /** Sees to it that it is answered. */
        void handle(Request request, Answer answer);
    }

    private final ServerSocketChannel socket;
    private final Selector selector;
    private final Handler handler;
    private final Clock clock;
    private final Device.Log log;
    private final long answerNanos;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    /** In the order in which they came. */
    private final Set<Connection> connections = new LinkedHashSet<>();
    private final Queue<Connection> answered = new ConcurrentLinkedQueue<>();
    private volatile boolean closed;

    Server(ServerSocketChannel socket, Handler handler, Clock clock, Device.Log log,
            long answerNanos) throws IOException {
        this.socket = socket;
        this.handler = handler;
        this.clock = clock;
        this.log = log;
        this.answerNanos = answerNanos;
        this.selector = Selector.open();
        socket.configureBlocking(false);
        socket.register(selector, SelectionKey.OP_ACCEPT);
    }

    @Override
    public void run() {
        try {
            while (!closed) {
                selector.select(untilDue(clock.nanos()));
                for (SelectionKey key : selector.selectedKeys()) {
                    turn(key);
                }
                selector.selectedKeys().clear();
                for (Connection c = answered.poll(); c != null; c = answered.poll()) {
                    c.startSending();
                }
                expire(clock.nanos());
            }
        } catch (IOException | ClosedSelectorException e) {
            if (!closed) {
                log.error("the socket is no longer served: " + e, e);
            }
        } finally {
            List.copyOf(connections).forEach(Connection::end);
        }
    }

    /** Milliseconds until a connection's time is over; 0 for as long as nothing comes. */
    private long untilDue(long now) {
        long least = Long.MAX_VALUE;
        for (Connection c : connections) {
            least = Math.min(least, c.due - now);
        }
        return least == Long.MAX_VALUE ? 0
                : Math.max(1, TimeUnit.NANOSECONDS.toMillis(least) + 1);
    }

    private void turn(SelectionKey key) {
        if (!key.isValid()) {
            return;
        }
        if (key.isAcceptable()) {
            accept();
            return;
        }
        Connection c = (Connection) key.attachment();
        try {
            if (key.isReadable()) {
                c.read();
            } else if (key.isWritable()) {
                c.write();
            }
        } catch (IOException e) {
            // The peer may go at any time; it has what it wanted, or it does not want it.
            c.end();
        } catch (RuntimeException e) {
            log.error("a request could not be answered: " + e, e);
            c.end();
        }
    }

    private void accept() {
        try {
            SocketChannel channel = socket.accept();
            if (channel == null) {
                return;
            }
            if (connections.size() >= MOST_CONNECTIONS) {
                connections.stream().filter(c -> c.reader != null).findFirst().ifPresent(c -> {
                    c.refuse(503, "there are too many connections");
                    c.end();
                });
            }
            if (connections.size() >= MOST_CONNECTIONS) {
                channel.close();
                return;
            }
            channel.configureBlocking(false);
            Connection c = new Connection(channel);
            c.key = channel.register(selector, SelectionKey.OP_READ, c);
            connections.add(c);
        } catch (IOException e) {
            log.error("a connection could not be taken: " + e.getMessage(), e);
            // It is still there, and would be tried again at once.
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void expire(long now) {
        List<Connection> over = new ArrayList<>();
        for (Connection c : connections) {
            if (c.due - now <= 0) {
                over.add(c);
            }
        }
        over.forEach(Connection::tooLate);
    }

    @Override
    public void close() {
        closed = true;
        try {
            selector.wakeup();
            socket.close();
        } catch (IOException e) {
            log.error("the socket cannot be closed: " + e.getMessage(), e);
        }
    }

    /**
     * One request: it is being read, as long as there is a reader; then it waits for its answer;
     * then that is being sent, as long as there is output; what the peer still sends then is thrown
     * away until it closes.
     */
    private final class Connection implements Answer {
        private final SocketChannel channel;
        private SelectionKey key;
        private RequestReader reader = new RequestReader();
        private long due = clock.nanos() + answerNanos;
        private ByteBuffer output;
        private volatile Supplier<String> late = () -> "it takes longer";
        private Reply reply; // guarded by this
        private boolean replied; // guarded by this

        Connection(SocketChannel channel) {
            this.channel = channel;
        }

        void read() throws IOException {
            buffer.clear();
            int n = channel.read(buffer);
            if (n < 0) {
                end();
                return;
            }
            buffer.flip();
            if (reader == null || !reader.take(buffer)) {
                return;
            }
            RequestReader whole = reader;
            if (whole.refused() != null) {
                refuse(whole.refused().status(), whole.refused().sentence());
                return;
            }
            reader = null;
            due = clock.nanos() + answerNanos;
            // Nothing more is read until it is answered.
            key.interestOps(0);
            handler.handle(whole.request(), this);
        }

        void refuse(int status, String sentence) {
            reader = null;
            send(Reply.error(status, sentence));
            answered.remove(this);
            startSending();
        }

        @Override
        public boolean send(Reply with) {
            synchronized (this) {
                if (replied) {
                    return false;
                }
                replied = true;
                reply = with;
            }
            answered.add(this);
            selector.wakeup();
            return true;
        }

        @Override
        public synchronized boolean waits() {
            return !replied;
        }

        @Override
        public void late(Supplier<String> sentence) {
            late = sentence;
        }

        void startSending() {
            if (!connections.contains(this) || output != null) {
                return;
            }
            synchronized (this) {
                output = ByteBuffer.wrap(reply.bytes());
            }
            due = clock.nanos() + SEND_NANOS;
            try {
                write();
            } catch (IOException e) {
                end();
            }
        }

        void write() throws IOException {
            channel.write(output);
            if (output.hasRemaining()) {
                key.interestOps(SelectionKey.OP_WRITE);
                return;
            }
            channel.shutdownOutput();
            // A peer that is still sending would not see the answer if we closed now.
            key.interestOps(SelectionKey.OP_READ);
        }

        void tooLate() {
            if (reader != null && reader.empty()) {
                end();
            } else if (reader != null) {
                refuse(408, "the request did not come to its end in time");
            } else if (output == null) {
                send(Reply.error(503, late.get()));
            } else {
                end();
            }
        }

        void end() {
            connections.remove(this);
            synchronized (this) {
                // Nobody waits any more; what was done stays.
                replied = true;
            }
            key.cancel();
            try {
                channel.close();
            } catch (IOException e) {
                log.error("a connection cannot be closed: " + e.getMessage(), e);
            }
        }
    }
}
