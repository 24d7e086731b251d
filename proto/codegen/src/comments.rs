//! What a proto's source says beside its descriptors: lines and comments.

use prost_reflect::{FileDescriptor, prost_types::source_code_info::Location};

/// The line, from 1, where the element with this descriptor path starts.
pub(crate) fn line(file: &FileDescriptor, path: &[i32]) -> Option<i32> {
    locate(file, path)?.span.first().map(|line| line + 1)
}

/// The comment above the element with this descriptor path.
pub(crate) fn comment<'a>(file: &'a FileDescriptor, path: &[i32]) -> Option<&'a str> {
    locate(file, path)?.leading_comments.as_deref()
}

/// The same as running text: one space after another, no line breaks but between paragraphs.
pub(crate) fn text(file: &FileDescriptor, path: &[i32]) -> Option<String> {
    let paragraphs = comment(file, path)?.split("\n\n").map(|paragraph| {
        let words: Vec<_> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    Some(paragraphs.collect::<Vec<_>>().join("\n\n")).filter(|text| !text.is_empty())
}

fn locate<'a>(file: &'a FileDescriptor, path: &[i32]) -> Option<&'a Location> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    info.location.iter().find(|location| location.path == path)
}
