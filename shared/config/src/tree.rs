//! Walking figment's value tree by path. An element of an array is named by its index.

use figment::value::Value;

/// The value at `path`.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |here, part| match here {
        Value::Dict(_, entries) => entries.get(*part),
        Value::Array(_, items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The value at `path`, to be replaced.
pub(crate) fn at_mut<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |here, part| match here {
        Value::Dict(_, entries) => entries.get_mut(part),
        Value::Array(_, items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Removes what `path` names and returns the path of what went; with an element of an array its
/// whole array goes, so that no index shifts.
pub(crate) fn remove(value: &mut Value, path: &[String]) -> Option<Vec<String>> {
    for length in (1..=path.len()).rev() {
        let (name, parents) = path.get(..length)?.split_last()?;
        if let Some(Value::Dict(_, entries)) = at_mut(value, parents)
            && entries.remove(name).is_some()
        {
            return Some(path.get(..length)?.to_vec());
        }
    }
    None
}

/// The first value below that is no table.
pub(crate) fn first_leaf(value: &Value) -> &Value {
    match value {
        Value::Dict(_, entries) => entries.values().next().map_or(value, first_leaf),
        _ => value,
    }
}
