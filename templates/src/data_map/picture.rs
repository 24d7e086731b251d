//! The picture of the map: stores at the bottom, then the layers, and who is outside at the top. Only
//! geometry is decided here; `picture.svg` draws it.

use std::collections::BTreeMap;

use serde::Serialize;
use strata_core::{Label, Layer};
use strata_estate::paper::{categories, level};

use super::{model::DataMap, readers::most};

/// Pixels.
const HEIGHT: usize = 56;
const GAP: usize = 48;
const ROW: usize = 164;
const MARGIN: usize = 32;
/// Of one character of a title, at most.
const CHARACTER: usize = 8;
/// Of the name of a row, at its left.
const NAMES: usize = 104;

/// What is drawn.
#[derive(Debug, Serialize)]
pub(super) struct Picture {
    width: usize,
    height: usize,
    rows: Vec<Row>,
    boxes: Vec<Node>,
    edges: Vec<Edge>,
}

#[derive(Debug, Serialize)]
struct Row {
    y: usize,
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct Node {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    title: String,
    below: String,
    /// What it holds or is shown at most; empty where a box has no data of its own.
    level: String,
    #[serde(skip)]
    id: String,
}

#[derive(Debug, Serialize)]
struct Edge {
    from: (usize, usize),
    to: (usize, usize),
    /// Where its label stands.
    at: (usize, usize),
    /// How far it runs straight out of a box.
    bend: usize,
    level: String,
    categories: String,
}

/// A box before it has a place.
struct Planned {
    id: String,
    title: String,
    below: String,
    level: String,
}

impl Picture {
    pub(super) fn of(map: &DataMap) -> Self {
        let rows = rows(map);
        let titles = rows.iter().flat_map(|(_, boxes)| boxes);
        let longest = titles.map(|it| it.title.len().max(it.below.len())).max();
        let width = longest.unwrap_or_default() * CHARACTER + GAP;
        let most = rows.iter().map(|(_, boxes)| boxes.len()).max();
        let inner = most.unwrap_or_default() * (width + GAP);
        let mut picture = Self {
            width: NAMES + inner + 2 * MARGIN,
            height: rows.len() * ROW - (ROW - HEIGHT) + 2 * MARGIN,
            rows: Vec::new(),
            boxes: Vec::new(),
            edges: Vec::new(),
        };
        for (at, (name, boxes)) in rows.into_iter().enumerate() {
            let y = MARGIN + at * ROW;
            picture.rows.push(Row { y, name });
            let used = boxes.len() * (width + GAP) - GAP.min(boxes.len() * GAP);
            let mut x = NAMES + MARGIN + (inner - used) / 2;
            for planned in boxes {
                picture.boxes.push(Node {
                    x,
                    y,
                    width,
                    height: HEIGHT,
                    title: planned.title,
                    below: planned.below,
                    level: planned.level,
                    id: planned.id,
                });
                x += width + GAP;
            }
        }
        picture.edges = picture.connect(&moved(map));
        picture
    }

    /// Draws each edge from a place of its own at the bottom of one box to one at the top of another,
    /// so that no two run over each other.
    fn connect(&self, moved: &BTreeMap<(String, String), Label>) -> Vec<Edge> {
        let place = |id: &str| self.boxes.iter().position(|node| node.id == id);
        let ends: Vec<(usize, usize, Label)> = moved
            .iter()
            .filter_map(|((upper, lower), label)| Some((place(upper)?, place(lower)?, *label)))
            .collect();
        let x = |at: usize| self.boxes.get(at).map_or(0, |node| node.x);
        // The edges at one side of a box, in the order of where they go to.
        let port = |own: usize, other: usize, others: Vec<usize>| {
            let node = self.boxes.get(own)?;
            let rank = others.iter().filter(|it| x(**it) < x(other)).count();
            Some(node.x + node.width * (rank + 1) / (others.len() + 1))
        };
        let edge = |&(upper, lower, label): &(usize, usize, Label)| {
            let below = ends.iter().filter(|end| end.0 == upper).map(|end| end.1);
            let above = ends.iter().filter(|end| end.1 == lower).map(|end| end.0);
            let from = (
                port(upper, lower, below.collect())?,
                self.boxes.get(upper)?.y + HEIGHT,
            );
            let to = (
                port(lower, upper, above.collect())?,
                self.boxes.get(lower)?.y,
            );
            Some(Edge {
                from,
                to,
                at: (usize::midpoint(from.0, to.0), usize::midpoint(from.1, to.1)),
                bend: (ROW - HEIGHT) / 2,
                level: level(label),
                categories: categories(label),
            })
        };
        ends.iter().filter_map(edge).collect()
    }
}

fn rows(map: &DataMap) -> Vec<(&'static str, Vec<Planned>)> {
    let roles = map.readers.iter().map(|reader| {
        let service = name(&reader.service);
        Planned {
            id: format!("{} of {service}", reader.role),
            title: reader.role.clone(),
            below: format!("of {service}"),
            level: level(most(reader)),
        }
    });
    let layer = |layer: Layer| -> Vec<Planned> {
        let services = map.services.iter();
        let services = services.filter(|service| service.layer == layer.as_str());
        let planned = services.map(|service| Planned {
            id: service.id.clone(),
            title: name(&service.id).to_owned(),
            below: service.owner.clone(),
            level: String::new(),
        });
        planned.collect()
    };
    let stores = map.stores.iter().map(|store| Planned {
        id: store.table.clone(),
        title: store.table.clone(),
        below: match store.retention.as_str() {
            "" => "no retention stated".to_owned(),
            retention => format!("kept {retention}"),
        },
        level: level(store.label),
    });
    vec![
        ("Users", roles.collect()),
        ("Experience", layer(Layer::Experience)),
        ("Process", layer(Layer::Process)),
        ("System", layer(Layer::System)),
        ("Stores", stores.collect()),
    ]
}

/// The name of `<layer>-<name>`.
fn name(id: &str) -> &str {
    id.split_once('-').map_or(id, |(_, name)| name)
}

/// The most that moves between two boxes, whichever way.
fn moved(map: &DataMap) -> BTreeMap<(String, String), Label> {
    let mut moved: BTreeMap<(String, String), Label> = BTreeMap::new();
    for flow in &map.flows {
        let both = flow.asks.join(flow.answers);
        let most = moved.entry((flow.caller.clone(), flow.callee.clone()));
        let most = most.or_default();
        *most = most.join(both);
    }
    for store in &map.stores {
        moved.insert((store.service.clone(), store.table.clone()), store.label);
    }
    moved
}
