package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;

/** Where a scraper on this machine finds the metrics of a mount. Its threads are the library's. */
final class MetricsPort implements AutoCloseable {
    private final HTTPServer server;

    private MetricsPort(HTTPServer server) {
        this.server = server;
    }

    /**
     * Serves on the loopback address only.
     *
     * @param port 0 for any that is free
     */
    static MetricsPort open(int port, MultiCollector metrics) throws BlockException {
        PrometheusRegistry registry = new PrometheusRegistry();
        registry.register(metrics);
        try {
            return new MetricsPort(HTTPServer.builder().port(port)
                    .inetAddress(InetAddress.getLoopbackAddress()).registry(registry)
                    .buildAndStart());
        } catch (IOException e) {
            throw new BlockException(Errno.EBUSY, "option metrics=" + port + ": the port cannot be"
                    + " had (" + e.getMessage() + "); choose another, or 0 for any", e);
        }
    }

    int number() {
        return server.getPort();
    }

    @Override
    public void close() {
        server.close();
    }
}
