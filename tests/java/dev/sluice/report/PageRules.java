package dev.sluice.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** What must hold for a page: well formed, nothing from elsewhere, plots with curves in them. */
public final class PageRules {
    private PageRules() {}

    /** The page, or an error that says which rule it breaks. */
    public static Document check(String html) throws Exception {
        Document page = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new InputSource(new StringReader(html)));
        assertThat(html).doesNotContain("@import", "url(", "//");
        for (Element one : all(page, "*")) {
            assertThat(one.hasAttribute("src") || one.hasAttribute("href")).isFalse();
            assertThat(one.getTagName()).isNotIn("script", "link", "iframe", "img", "object");
        }
        List<Element> plots = all(page, "svg");
        assertThat(plots).isNotEmpty();
        for (Element plot : plots) {
            List<Element> curves = all(plot, "polyline");
            assertThat(curves).hasSizeGreaterThanOrEqualTo(2);
            for (Element curve : curves) {
                String[] points = curve.getAttribute("points").split(" ");
                assertThat(points.length).isGreaterThanOrEqualTo(2);
                assertThat(points).allMatch(p -> p.matches("\\d+\\.\\d,\\d+\\.\\d"));
            }
        }
        return page;
    }

    /** The elements of a name within another. */
    public static List<Element> all(Node within, String name) {
        NodeList found = within instanceof Document d ? d.getElementsByTagName(name)
                : ((Element) within).getElementsByTagName(name);
        List<Element> all = new ArrayList<>();
        for (int i = 0; i < found.getLength(); i++) {
            all.add((Element) found.item(i));
        }
        return all;
    }

    /** What stands in the elements of a name. */
    public static List<String> text(Node within, String name) {
        return all(within, name).stream().map(Node::getTextContent).toList();
    }
}
