package dev.sluice.report;

/** How the page looks, in light and in dark. */
final class Style {
    static final String TEXT = """

            :root { --paper: #fff; --ink: #1d2430; --soft: #6a7484; --rule: #dfe3e9;
              --c0: #1f6fd6; --c1: #d9622b; --c2: #2e9a62; --c3: #8a4fc7; --c4: #b58a00; }
            @media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6e9ee;
              --soft: #98a2b1; --rule: #2c333e; --c0: #6aa8ff; --c1: #ff9a63; --c2: #5fcf93;
              --c3: #c296f2; --c4: #e0bb3f; } }
            body { background: var(--paper); color: var(--ink); margin: 2rem auto;
              max-width: 84rem; padding: 0 1.2rem; font: 15px/1.45 system-ui, sans-serif; }
            h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem;
              margin: 2rem 0 .3rem; } p { margin: .2rem 0 .8rem; } .lead { color: var(--soft); }
            code, pre { font: 13px/1.4 ui-monospace, monospace; } pre { overflow-x: auto; }
            .wide { overflow-x: auto; } table { border-collapse: collapse; }
            th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--rule);
              text-align: right; white-space: nowrap; } th { color: var(--soft);
              font-weight: 500; } td.word, th:nth-child(-n+2), .facts th, .facts td {
              text-align: left; } .facts td { white-space: normal; }
            .plots { display: grid; gap: 1.2rem;
              grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
            figure { margin: 0; border: 1px solid var(--rule); border-radius: 6px;
              padding: .7rem .8rem .4rem; } figcaption { font-weight: 600; }
            .legend { color: var(--soft); font-size: 13px; min-height: 1.5em; }
            .legend span { margin-right: 1rem; white-space: nowrap; }
            .legend i { display: inline-block; width: 1.5rem; border-top: 2px solid;
              vertical-align: middle; margin-right: .35rem; } i.dashed {
              border-top-style: dashed; } svg { width: 100%; height: auto; display: block; }
            svg text { fill: var(--soft); font-size: 13px; } .grid { stroke: var(--rule); }
            .axis { stroke: var(--soft); } polyline { fill: none; stroke-width: 2;
              stroke-linejoin: round; } polyline.dashed { stroke-dasharray: 6 4; }
            .legend .c0 i { border-color: var(--c0); } .legend .c1 i { border-color: var(--c1); }
            .legend .c2 i { border-color: var(--c2); } .legend .c3 i { border-color: var(--c3); }
            .legend .c4 i { border-color: var(--c4); }
            polyline.c0 { stroke: var(--c0); } circle.c0 { fill: var(--c0); }
            polyline.c1 { stroke: var(--c1); } circle.c1 { fill: var(--c1); }
            polyline.c2 { stroke: var(--c2); } circle.c2 { fill: var(--c2); }
            polyline.c3 { stroke: var(--c3); } circle.c3 { fill: var(--c3); }
            polyline.c4 { stroke: var(--c4); } circle.c4 { fill: var(--c4); }
            """;

    private Style() {}
}
