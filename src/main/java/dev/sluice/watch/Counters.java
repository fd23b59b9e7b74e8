package dev.sluice.watch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.Op;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a device had counted at one moment, as the file {@code stats} of its mount says. Times are
 * in nanoseconds by the clock of the daemon.
 *
 * @param atNanos the moment
 * @param busyNanos for how long anything was in flight
 * @param weightedNanos the same, each moment as often as there were requests
 * @param held requests that the target keeps waiting
 * @param ratio data by what keeping it takes; 0 where nothing is known
 */
public record Counters(String name, String type, long atNanos, long busyNanos,
        long weightedNanos, long inFlight, long held, double ratio, Map<Op, Ended> ended) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Requests of a kind that have ended.
     *
     * @param nanos what they took together
     */
    public record Ended(long count, long bytes, long failed, long nanos) {}

    /** The devices in the text, by name, in the order of the table. */
    public static Map<String, Counters> parse(String text) throws JsonProcessingException {
        Map<String, Counters> all = new LinkedHashMap<>();
        for (JsonNode device : JSON.readTree(text).path("devices")) {
            Counters one = of(device);
            all.put(one.name, one);
        }
        return all;
    }

    private static Counters of(JsonNode device) {
        Map<Op, Ended> ended = new EnumMap<>(Op.class);
        for (Op op : Op.values()) {
            JsonNode one = device.path(op.name().toLowerCase(Locale.ROOT));
            ended.put(op, new Ended(one.path("ended").asLong(), one.path("bytes").asLong(),
                    one.path("failed").asLong(), one.path("time_ns").asLong()));
        }
        long stored = device.path("stored_bytes").asLong();
        return new Counters(device.path("name").asText(), device.path("type").asText(),
                device.path("at_ns").asLong(), device.path("busy_ns").asLong(),
                device.path("weighted_ns").asLong(), device.path("in_flight").asLong(),
                device.path("held").asLong(),
                stored <= 0 ? 0 : device.path("data_bytes").asDouble() / stored, ended);
    }
}
