//! Where in a message something is masked.

use std::mem;

/// Places by the message they are in. The items of a list are one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    values: Vec<&'static str>,
    within: Vec<(&'static str, Places)>,
}

impl Places {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.within.iter().all(|(_, inner)| inner.is_empty())
    }

    /// Each by its path in JSON's names, sorted: `orders.customerId`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.collect("", &mut names);
        names.sort_unstable();
        names
    }

    fn collect(&self, path: &str, names: &mut Vec<String>) {
        names.extend(self.values.iter().map(|value| [path, value].concat()));
        for (name, inner) in &self.within {
            inner.collect(&[path, name, "."].concat(), names);
        }
    }

    /// Adds a value of the message.
    pub(super) fn add(&mut self, value: &'static str) {
        if !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    /// Goes into a message within the message; gives what [`Self::leave`] goes back with.
    pub(super) fn enter(&mut self, name: &'static str) -> (usize, Self) {
        let found = self.within.iter().position(|(known, _)| *known == name);
        let at = found.unwrap_or_else(|| {
            self.within.push((name, Self::default()));
            self.within.len() - 1
        });
        let inner = self.within.get_mut(at).map(|(_, inner)| mem::take(inner));
        (at, mem::replace(self, inner.unwrap_or_default()))
    }

    /// Goes back to the message around.
    pub(super) fn leave(&mut self, (at, outer): (usize, Self)) {
        let inner = mem::replace(self, outer);
        if let Some((_, place)) = self.within.get_mut(at) {
            *place = inner;
        }
    }
}
