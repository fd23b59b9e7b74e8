package dev.sluice.cli;

import java.io.IOException;
import java.util.List;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.ControlChar;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/**
 * The whole terminal, for text that is drawn again and again; however the program ends, the
 * terminal is afterwards as it was. Frames are written over each other, so that nothing flickers.
 */
final class LiveScreen implements AutoCloseable {
    private static final String ENTER = "\033[?1049h\033[?25l";
    private static final String LEAVE = "\033[?25h\033[?1049l";
    private static final int KEY_NONE = -2;
    /** As a shell says that SIGINT ended a program. */
    private static final int INTERRUPTED = 130;

    private final Terminal terminal;
    private final Attributes before;
    private Size size; // guarded by this
    private boolean closed; // guarded by this

    private LiveScreen(Terminal terminal) {
        this.terminal = terminal;
        this.before = terminal.getAttributes();
        this.size = terminal.getSize();
        Attributes quiet = new Attributes(before);
        quiet.setLocalFlags(java.util.EnumSet.of(LocalFlag.ICANON, LocalFlag.ECHO), false);
        // A stopped program would leave its picture behind: it cannot be stopped.
        quiet.setControlChar(ControlChar.VSUSP, 0);
        quiet.setControlChar(ControlChar.VQUIT, 0);
        terminal.setAttributes(quiet);
        terminal.writer().print(ENTER);
        terminal.flush();
    }

    /** The terminal, or null where the program does not stand at one. */
    static LiveScreen open() {
        try {
            LiveScreen screen = new LiveScreen(TerminalBuilder.builder().system(true)
                    .systemOutput(TerminalBuilder.SystemOutput.SysOut).provider("exec")
                    .dumb(false).nativeSignals(true).build());
            // Whoever waits for a mount that does not answer must be able to leave.
            screen.terminal.handle(Terminal.Signal.INT, signal -> {
                screen.close();
                Runtime.getRuntime().halt(INTERRUPTED);
            });
            Runtime.getRuntime().addShutdownHook(new Thread(screen::close, "restore-terminal"));
            return screen;
        } catch (IOException | IllegalStateException e) {
            return null;
        }
    }

    /** Calls back, in another thread, when the terminal has another size. */
    void whenResized(Runnable draw) {
        terminal.handle(Terminal.Signal.WINCH, signal -> {
            Size now = terminal.getSize();
            synchronized (this) {
                size = now;
            }
            draw.run();
        });
    }

    /** Columns that can be written without the line being broken. */
    synchronized int width() {
        return (size.getColumns() > 0 ? size.getColumns() : 80) - 1;
    }

    synchronized int height() {
        return size.getRows() > 0 ? size.getRows() : 24;
    }

    /** Writes a frame over the one before; the second line, a head, is a bar. */
    synchronized void draw(List<String> lines) {
        if (closed) {
            return;
        }
        StringBuilder frame = new StringBuilder("\033[H");
        for (int i = 0; i < lines.size() && i < height(); i++) {
            String line = lines.get(i);
            String shown = line.length() > width() ? line.substring(0, width()) : line;
            String rest = " ".repeat(width() - shown.length());
            frame.append(i == 0 ? "" : "\r\n").append(i == 1 ? "\033[7m" : "").append(shown)
                    .append(i == 1 ? rest + "\033[0m" : "").append("\033[K");
        }
        terminal.writer().print(frame.append("\033[J"));
        terminal.flush();
    }

    /** Waits for the time; true when somebody wants it to end. */
    boolean quits(long millis) throws IOException {
        int key = terminal.reader().read(millis);
        return key != KEY_NONE && (key < 0 || key == 'q' || key == 'Q');
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            terminal.writer().print(LEAVE);
            terminal.flush();
            terminal.setAttributes(before);
        }
    }
}
