use super::tree::Tree;
use super::*;
use crate::layout::{Scene, Wire, layout};
use convscope_nn::{Add, BatchNorm2d, Concat, Conv2d, Flatten, Linear, NetworkBuilder, Relu};
use convscope_zoo::{Entry, Options, entries, get};

fn blank(entry: &Entry) -> Network {
    // As small as it can be: the graph is the same.
    let options = Options::new().size(entry.smallest.max(32)).blank();
    entry.build(options).unwrap()
}

fn scene(drawing: &Drawing) -> (Tree, Scene) {
    let tree = drawing.tree();
    let scene = layout(&drawing.summary, &tree, drawing.width, 44.0);
    (tree, scene)
}

/// Whether the insides of two places have something in common.
fn overlap([x, y, w, h]: [f64; 4], [u, v, p, q]: [f64; 4]) -> bool {
    const TOUCH: f64 = 0.5;
    x + w > u + TOUCH && u + p > x + TOUCH && y + h > v + TOUCH && v + q > y + TOUCH
}

fn within([x, y, w, h]: [f64; 4], [u, v, p, q]: [f64; 4]) -> bool {
    x >= u && y >= v && x + w <= u + p && y + h <= v + q
}

/// A way to draw, and its name.
type Way = (&'static str, fn(Drawing) -> Drawing);

fn ways() -> [Way; 5] {
    [
        ("layers", |d| d),
        ("blocks", |d| d.detail(Detail::Blocks)),
        ("nodes", |d| d.detail(Detail::Nodes)),
        ("expanded", Drawing::expand),
        ("narrow", |d| d.width(400)),
    ]
}

fn check(name: &str, drawing: &Drawing) {
    let (tree, scene) = scene(drawing);
    let summary = &drawing.summary;
    let whole = [0.0, 0.0, scene.size[0], scene.size[1]];
    let mut rows: Vec<usize> = Vec::new();
    for (i, one) in scene.boxes.iter().enumerate() {
        assert!(within(one.place, whole), "{name}: {one:?} in {whole:?}");
        for other in &scene.boxes[i + 1..] {
            assert!(
                !overlap(one.place, other.place),
                "{name}: {one:?} {other:?}"
            );
        }
        for frame in &scene.frames {
            let apart = !overlap(one.place, frame.place);
            assert!(
                apart || within(one.place, frame.place),
                "{name}: {one:?} {frame:?}"
            );
        }
        rows.extend(&tree.nodes[one.unit]);
    }
    for (i, one) in scene.frames.iter().enumerate() {
        assert!(within(one.place, whole), "{name}: {one:?}");
        for other in &scene.frames[i + 1..] {
            let nested = within(one.place, other.place) || within(other.place, one.place);
            let apart = !overlap(one.place, other.place);
            assert!(apart || nested, "{name}: {one:?} {other:?}");
        }
    }
    rows.sort_unstable();
    let all: Vec<usize> = (0..summary.rows.len()).collect();
    assert_eq!(rows, all, "{name}: each node is in one box");
    for tag in &scene.tags {
        let words = text::shape(unit::shape(summary, tag.of));
        assert_eq!(tag.words, words, "{name}: the shape of node {}", tag.of);
    }
    arrows(name, drawing, &tree, &scene);
}

/// Arrows are the graph's edges between what is drawn, and go through no box.
fn arrows(name: &str, drawing: &Drawing, tree: &Tree, scene: &Scene) {
    let read = inputs(&drawing.summary);
    let box_of = |node: usize| {
        let row = node.checked_sub(1)?;
        scene
            .boxes
            .iter()
            .position(|b| tree.nodes[b.unit].contains(&row))
    };
    for Wire { from, to, points } in &scene.wires {
        for step in points.windows(2) {
            let ([x, y], [u, v]) = (step[0], step[1]);
            assert!(x == u || y == v, "{name}: {points:?} is upright or level");
            let line = match x == u {
                true => [x - 0.3, y.min(v), 0.6, (y - v).abs()],
                false => [x.min(u), y - 0.3, (x - u).abs(), 0.6],
            };
            for b in &scene.boxes {
                assert!(
                    !overlap(line, b.place),
                    "{name}: {from} to {to:?} through {b:?}"
                );
            }
        }
        let Some(to) = to else {
            let last = drawing.summary.rows.len();
            assert!(box_of(*from) == box_of(last), "{name}: the output");
            continue;
        };
        let target = box_of(*to).expect("an arrow ends at a box");
        let unit = &tree.units[scene.boxes[target].unit];
        let drawn = unit.inputs.iter().any(|id| box_of(*id) == box_of(*from));
        assert!(drawn, "{name}: nothing reads {from} in {unit:?}");
        let tagged = scene.tags.iter().any(|t| t.of == *from);
        assert!(tagged, "{name}: no shape of {from}");
    }
    // Of what the boxes read, nothing is missing.
    for (i, b) in scene.boxes.iter().enumerate() {
        let unit = &tree.units[b.unit];
        let mut sources: Vec<Option<usize>> = unit.inputs.iter().map(|id| box_of(*id)).collect();
        sources.sort_unstable();
        sources.dedup();
        let arriving = scene
            .wires
            .iter()
            .filter(|w| w.to.and_then(box_of) == Some(i));
        let mut from: Vec<Option<usize>> = arriving.map(|w| box_of(w.from)).collect();
        from.sort_unstable();
        from.dedup();
        assert_eq!(from, sources, "{name}: {unit:?}, {read:?}");
    }
}

/// That every element is closed, and no text holds a bare `<` or `&`.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        for piece in rest[..at].split('&').skip(1) {
            let entity = piece.split(';').next().unwrap_or("");
            let known = ["amp", "lt", "gt", "quot", "#39"];
            assert!(known.contains(&entity), "&{entity}");
        }
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
}

#[test]
fn every_architecture_draws_in_every_way() {
    let mut count = 0;
    for entry in entries() {
        let drawing = draw(&blank(entry)).title(entry.title);
        for (way, changed) in ways() {
            let drawing = changed(drawing.clone());
            check(&format!("{}, {way}", entry.name), &drawing);
            let svg = drawing.svg();
            assert_eq!(svg, drawing.svg(), "the same each time");
            well_formed(&svg);
        }
        assert!(drawing.to_string().lines().count() > 3, "{drawing}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn drawings_of_famous_networks_fit_a_page() {
    for name in [
        "vgg16",
        "googlenet",
        "resnet50",
        "resnet152",
        "densenet121",
        "squeezenet1_0",
    ] {
        let (_, scene) = scene(&draw(&blank(get(name).unwrap())));
        let [width, height] = scene.size;
        assert!(
            width <= WIDEST && height < 2200.0,
            "{name}: {width} x {height}"
        );
    }
}

fn residual(b: NetworkBuilder) -> NetworkBuilder {
    b.add("conv1", Conv2d::new(4, 3).same().no_bias())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(4, 3).same())
        .add_after(&["conv2", "input"], "add", Add)
        .add("relu2", Relu)
}

#[test]
fn equal_blocks_are_drawn_once_unless_they_are_to_be_seen() {
    let net = Network::input([4, 8, 8])
        .block("a", residual)
        .block("b", residual)
        .block("c", residual)
        .add("last", Conv2d::new(2, 1))
        .build(1)
        .unwrap();
    let drawing = draw(&net);
    check("collapsed", &drawing);
    let (_, scene) = super::tests::scene(&drawing);
    assert_eq!((scene.frames.len(), scene.boxes.len()), (1, 4));
    assert_eq!(
        (scene.frames[0].title.as_str(), scene.frames[0].times),
        ("a to c, x 3", 3)
    );
    // 4 4 9 and 8 for batch norm, 4 4 9 + 4
    assert_eq!(scene.frames[0].cost, "300 each");
    // The image to conv1 and the sum, conv1 to conv2, conv2 to the sum, the last sum on, the output.
    let ends: Vec<(usize, Option<usize>)> = scene.wires.iter().map(|w| (w.from, w.to)).collect();
    let expected = [(0, 1), (1 + 2, 4), (4, 5), (0, 5), (18, 19)].map(|(a, b)| (a, Some(b)));
    for edge in expected.into_iter().chain([(19, None)]) {
        assert!(ends.contains(&edge), "{edge:?} in {ends:?}");
    }
    assert_eq!(ends.len(), 6);
    let expanded = drawing.expand();
    check("expanded", &expanded);
    assert_eq!(super::tests::scene(&expanded).1.frames.len(), 3);
}

#[test]
fn blocks_that_differ_are_not_drawn_as_one() {
    let wider = |b: NetworkBuilder| residual(b.add("first", Conv2d::new(4, 3).same()));
    let net = Network::input([4, 8, 8])
        .block("a", residual)
        .block("b", wider)
        .block("c", residual)
        .build(1)
        .unwrap();
    assert_eq!(scene(&draw(&net)).1.frames.len(), 3);
}

#[test]
fn what_grows_is_said_to_grow() {
    let drawing = draw(&blank(get("densenet121").unwrap()));
    let text = drawing.to_string();
    assert!(text.contains("denselayer1 to denselayer6, x 6"), "{text}");
    let (_, scene) = scene(&drawing);
    let growing = scene.frames.iter().filter(|f| f.note.is_some());
    assert_eq!(
        growing.map(|f| f.times).collect::<Vec<_>>(),
        [6, 12, 24, 16]
    );
}

#[test]
fn a_graph_that_is_no_nest_of_branches_draws_with_lanes() {
    // As in a dense block written out: each reads all before it.
    let conv = || Conv2d::new(2, 3).same();
    let net = Network::input([2, 8, 8])
        .add("c0", conv())
        .add("c1", conv())
        .add_after(&["c0", "c1"], "cat2", Concat)
        .add("c2", conv())
        .add_after(&["c0", "c1", "c2"], "cat3", Concat)
        .add("c3", conv())
        .add_after(&["c0", "c1", "c2", "c3"], "cat4", Concat)
        .add("c4", conv())
        .build(1)
        .unwrap();
    for (way, changed) in ways() {
        check(way, &changed(draw(&net)));
    }
    assert!(
        draw(&net)
            .to_string()
            .contains("reads what came before, c1, c2"),
        "{}",
        draw(&net)
    );
}

#[test]
fn a_block_with_two_doors_has_no_frame() {
    let net = Network::input([4, 8, 8])
        .add("stem", Conv2d::new(4, 3).same())
        .block("a", |b| {
            b.add("one", Conv2d::new(4, 3).same())
                .add("two", Conv2d::new(4, 3).same())
        })
        .add_after(&["a.one", "a.two"], "sum", Add)
        .build(1)
        .unwrap();
    let drawing = draw(&net);
    check("two doors", &drawing);
    assert!(scene(&drawing).1.frames.is_empty());
}

#[test]
fn an_output_that_nobody_reads_is_drawn() {
    let net = Network::input([4, 8, 8])
        .add("stem", Conv2d::new(4, 3).same())
        .add_after(&["stem"], "aside", Conv2d::new(4, 3).same())
        .add_after(&["stem"], "last", Conv2d::new(4, 3).same())
        .build(1)
        .unwrap();
    let (_, scene) = scene(&draw(&net));
    assert_eq!(scene.boxes.len(), 3);
    well_formed(&draw(&net).svg());
}

#[test]
fn one_layer_and_odd_names_draw() {
    let net = Network::input([7])
        .add("<fc & \"more\">", Linear::new(3))
        .build(1)
        .unwrap();
    let drawing = draw(&net).title("<&>").caption("a < b");
    check("one layer", &drawing);
    let svg = drawing.svg();
    well_formed(&svg);
    assert!(
        svg.contains("&lt;fc &amp; &quot;more&quot;&gt;") && svg.contains("<title>&lt;&amp;&gt;")
    );
    assert!(drawing.to_string().contains("dense, 3"));
}

#[test]
fn labels_say_what_a_layer_does() {
    let net = Network::input([4, 16, 16])
        .add("a", Conv2d::new(8, 3).same().stride(2).no_bias())
        .add("b", BatchNorm2d::new())
        .add("c", Relu)
        .add("d", Conv2d::rect(8, 1, 5).groups(2))
        .add(
            "e",
            Conv2d::new(8, 3)
                .dilation(2)
                .padding(convscope_nn::Padding::Each(2)),
        )
        .add("f", convscope_nn::MaxPool2d::new(2))
        .add("g", Flatten)
        .add("h", convscope_nn::Dropout::new(0.5))
        .add("i", Linear::new(10))
        .build(1)
        .unwrap();
    let (tree, _) = scene(&draw(&net));
    let labels = tree
        .units
        .iter()
        .map(|u| (u.label.as_str(), u.then.join(" ")));
    let expected = [
        ("3x3 conv, 8, /2", "BN ReLU"),
        ("1x5 conv, 8, 2 groups", ""),
        ("3x3 conv, 8, dilation 2", ""),
        ("2x2 max pool, /2", "flatten dropout 0.5"),
        ("dense, 10", ""),
    ];
    assert_eq!(
        labels.collect::<Vec<_>>(),
        expected.map(|(a, b)| (a, b.to_owned()))
    );
}

#[test]
fn one_block_is_drawn_whole() {
    let net = blank(get("resnet18").unwrap());
    let drawing = draw(&net).title("ResNet-18");
    let block = drawing.clone().block("layer2.0").unwrap();
    check("layer2.0", &block);
    let text = block.to_string();
    assert!(
        text.starts_with("ResNet-18: layer2.0") && text.contains("downsample"),
        "{text}"
    );
    assert_eq!(block.summary.input, [64, 8, 8]);
    check("layer1", &drawing.clone().block("layer1").unwrap());
    let error = drawing.block("layer9").unwrap_err().to_string();
    assert!(
        error.contains("layer9") && error.contains("layer4.1"),
        "{error}"
    );
}

#[test]
fn a_drawing_is_saved_as_svg_and_as_nothing_else() {
    let net = Network::input([7])
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/net.svg");
    draw(&net).save(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), draw(&net).svg());
    let error = draw(&net).save(folder.path().join("net.png")).unwrap_err();
    assert!(error.to_string().contains("net.svg"), "{error}");
}
