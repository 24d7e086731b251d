//! A service invents a layer of its own to call whom it likes.

use strata_core::{Layer, Tier};

enum Shortcut {}

impl Tier for Shortcut {
    const LAYER: Layer = Layer::Process;
}

fn main() {}
