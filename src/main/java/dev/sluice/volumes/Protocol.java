package dev.sluice.volumes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The Docker volume plugin protocol: requests to work in lanes. Whoever is told that something
 * takes longer may ask again; what he did not get an answer for does not count as his.
 */
final class Protocol implements Server.Handler {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    private static final int MOST_ID = 256;
    private static final int MOST_OPTIONS = 64;
    /** No volume's name, so its lane is free for those who only look. */
    private static final String LOOKS = "(looks)";
    private static final String DRIVER = "/VolumeDriver.";

    private final Volumes volumes;
    private final Lanes lanes;
    private final Device.Log log;

    Protocol(Volumes volumes, Lanes lanes, Device.Log log) {
        this.volumes = volumes;
        this.lanes = lanes;
        this.log = log;
    }

    /** What is done in a lane; the fields of the answer. */
    @FunctionalInterface
    private interface Work {
        Map<String, Object> run() throws BlockException;
    }

    @Override
    public void handle(Request request, Answer answer) {
        try {
            if (!request.method().equals("POST")) {
                answer.send(Reply.error(405, "only POST is answered; send one, as in: POST"
                        + " /VolumeDriver.List"));
            } else if (request.path().equals("/Plugin.Activate")) {
                answer.send(Reply.of(Map.of("Implements", List.of("VolumeDriver"))));
            } else if (request.path().startsWith(DRIVER)) {
                driver(request.path().substring(DRIVER.length()), request, answer);
            } else {
                answer.send(unknown(request.path()));
            }
        } catch (BlockException e) {
            answer.send(Reply.error(status(e), e.getMessage()));
        } catch (RuntimeException | StackOverflowError e) {
            log.error("a request failed: " + e, e);
            answer.send(own(e));
        }
    }

    private static Reply own(Throwable e) {
        return Reply.error(500, "an error of sluice's own (" + e + "); its log has the rest");
    }

    private static Reply unknown(String path) {
        return Reply.error(404, "there is no " + Spec.shown(path) + " in the volume plugin"
                + " protocol; ask for VolumeDriver.Create, Get, List, Mount, Path, Remove or"
                + " Unmount");
    }

    /** Docker's client tells its user the sentence of any but 200; 400 is for wrong requests. */
    private static int status(BlockException e) {
        return e.errno() == Errno.EINVAL ? 400 : 500;
    }

    private void driver(String what, Request request, Answer answer) throws BlockException {
        switch (what) {
            case "Capabilities" -> answer.send(Reply.of(
                    Map.of("Capabilities", Map.of("Scope", "local"))));
            case "List" -> work(LOOKS, answer, () ->
                    Map.of("Volumes", volumes.look(volumes.all())), null);
            case "Get" -> {
                Volume volume = volumes.get(name(object(request)));
                work(LOOKS, answer, () ->
                        Map.of("Volume", volumes.look(List.of(volume)).get(0)), null);
            }
            case "Path" -> {
                Volume volume = volumes.get(name(object(request)));
                answer.send(Reply.of(Map.of("Mountpoint",
                        volume.mounted() ? volume.mountPoint().toString() : "")));
            }
            case "Create" -> {
                JsonNode body = object(request);
                String name = name(body);
                Spec spec = Spec.parse(options(body));
                work(name, answer, () -> {
                    volumes.create(name, spec);
                    return Map.of();
                }, null);
            }
            case "Remove" -> {
                String name = name(object(request));
                work(name, answer, () -> {
                    volumes.remove(name);
                    return Map.of();
                }, null);
            }
            case "Mount" -> mount(object(request), answer);
            case "Unmount" -> {
                JsonNode body = object(request);
                String name = name(body);
                String id = id(body);
                work(name, answer, () -> {
                    volumes.leave(name, id);
                    return Map.of();
                }, null);
            }
            default -> answer.send(unknown(request.path()));
        }
    }

    private void mount(JsonNode body, Answer answer) throws BlockException {
        String name = name(body);
        String id = id(body);
        Volume volume = volumes.get(name);
        boolean[] isNew = new boolean[1];
        work(name, answer, () -> {
            isNew[0] = volumes.get(name).use(id, Volumes.MOST_USERS);
            return Map.of("Mountpoint", volume.mountPoint().toString());
        }, () -> {
            // He was told no, and will not say that he leaves.
            if (isNew[0]) {
                volumes.leave(name, id);
            }
            return Map.of();
        });
    }

    /** Has work done and answers; {@code undo} where the answer came too late. */
    private void work(String lane, Answer answer, Work work, Work undo) {
        answer.late(() -> lane.equals(LOOKS) ? "the volumes do not tell how they are; ask again"
                : "volume " + lane + " takes longer: " + volumes.doing(lane)
                + "; that goes on, ask again later");
        if (!lanes.run(lane, () -> run(answer, work, undo))) {
            answer.send(Reply.error(503, "too much is asked of "
                    + (lane.equals(LOOKS) ? "the volumes" : "volume " + lane)
                    + " already, or it is about to end; ask again later"));
        }
    }

    private void run(Answer answer, Work work, Work undo) {
        if (!answer.waits()) {
            // He was told that it takes longer, before it was begun.
            return;
        }
        Reply reply;
        boolean done = false;
        try {
            reply = Reply.of(work.run());
            done = true;
        } catch (BlockException e) {
            reply = Reply.error(status(e), e.getMessage());
        } catch (RuntimeException e) {
            log.error("a request failed: " + e, e);
            reply = own(e);
        }
        if (!answer.send(reply) && done && undo != null) {
            try {
                undo.run();
            } catch (BlockException e) {
                log.error("what nobody waited for any more is not undone: " + e.getMessage(), e);
            }
        }
    }

    private static JsonNode object(Request request) throws BlockException {
        JsonNode node;
        try {
            node = JSON.readTree(request.text());
        } catch (JsonProcessingException e) {
            throw wrong("the request is no JSON (" + Spec.shown(e.getOriginalMessage())
                    + "); send an object, as in: {\"Name\": \"data\"}");
        }
        if (node == null || !node.isObject()) {
            throw wrong("the request is no JSON object; send one, as in: {\"Name\": \"data\"}");
        }
        return node;
    }

    private static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    private static String name(JsonNode body) throws BlockException {
        return Spec.checkName("name", text(body, "Name"));
    }

    private static String text(JsonNode body, String field) throws BlockException {
        JsonNode value = body.get(field);
        if (value == null || !value.isTextual()) {
            throw wrong("the request has no text " + field + "; add it");
        }
        return value.textValue();
    }

    private static String id(JsonNode body) throws BlockException {
        String id = text(body, "ID");
        if (id.isEmpty() || id.length() > MOST_ID) {
            throw wrong("the ID " + Spec.shown(id) + " is empty or longer than " + MOST_ID
                    + "; send a shorter one");
        }
        return id;
    }

    private static Map<String, String> options(JsonNode body) throws BlockException {
        Map<String, String> all = new TreeMap<>();
        JsonNode given = body.get("Opts");
        if (given == null || given.isNull()) {
            return all;
        }
        if (!given.isObject() || given.size() > MOST_OPTIONS) {
            throw wrong("Opts is no object of at most " + MOST_OPTIONS + " options; send one");
        }
        for (Iterator<Map.Entry<String, JsonNode>> i = given.fields(); i.hasNext();) {
            Map.Entry<String, JsonNode> option = i.next();
            if (!option.getValue().isTextual()) {
                throw wrong("option " + Spec.shown(option.getKey())
                        + " is no text; put it in quotes");
            }
            all.put(option.getKey(), option.getValue().textValue());
        }
        return all;
    }
}
