package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** The socket that the plugin listens on: a file of its own, or one that was handed to it. */
final class Socket implements AutoCloseable {
    private static final int BACKLOG = 256;

    final ServerSocketChannel channel;
    /** Null where somebody else owns it. */
    private final Path path;

    private Socket(ServerSocketChannel channel, Path path) {
        this.channel = channel;
        this.path = path;
    }

    /** Listens at a path, for this user alone. A socket that nobody serves is replaced. */
    static Socket at(Path path) throws BlockException {
        ServerSocketChannel channel = null;
        try {
            if (Files.exists(path) && isServed(path)) {
                throw new BlockException(Errno.EBUSY, path + " is served by another process;"
                        + " name another socket, or end that process");
            }
            Path draft = path.resolveSibling("." + path.getFileName());
            Files.deleteIfExists(draft);
            channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            channel.bind(UnixDomainSocketAddress.of(draft), BACKLOG);
            // Nobody can find it before it is for its user alone.
            Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-------"));
            Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE);
            return new Socket(channel, path);
        } catch (IOException | UnsupportedOperationException e) {
            close(channel);
            throw new BlockException(Errno.EIO, "the socket " + path + " cannot be made ("
                    + e.getMessage() + "); name a short path in a folder that can be written to",
                    e);
        }
    }

    private static void close(ServerSocketChannel channel) throws BlockException {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the socket cannot be closed (" + e.getMessage()
                    + "); it goes with the process", e);
        }
    }

    private static boolean isServed(Path path) throws BlockException {
        if (Files.isRegularFile(path) || Files.isDirectory(path)) {
            throw new BlockException(Errno.EEXIST, path + " is there and no socket; name another");
        }
        try (SocketChannel other = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return other.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }

    /** The one that stands as standard input, as systemd hands it over. */
    static Socket inherited() throws BlockException {
        try {
            Channel channel = System.inheritedChannel();
            if (channel instanceof ServerSocketChannel server) {
                return new Socket(server, null);
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EBADF, "standard input cannot be used as a socket ("
                    + e.getMessage() + "); name one with --socket PATH", e);
        }
        throw new BlockException(Errno.EBADF, "there is no socket to listen on; name one with"
                + " --socket PATH, or hand one over as standard input");
    }

    @Override
    public void close() throws BlockException {
        close(channel);
        try {
            if (path != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the socket " + path + " cannot be deleted ("
                    + e.getMessage() + "); make its folder writable, or delete it by hand", e);
        }
    }
}
