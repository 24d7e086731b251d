//! A contract's protos as descriptors.

use miette::Diagnostic;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor, ServiceDescriptor};
use protox::Compiler;

use crate::{classification::Classification, finding::Finding, folder::Folder, options::Options};

/// A compiled contract.
pub(crate) struct Contract {
    /// Where it lies.
    pub(crate) folder: Folder,
    /// Its versions, oldest first.
    pub(crate) versions: Vec<Version>,
    /// Reads its annotations.
    pub(crate) options: Options,
    /// What its labels are read with.
    pub(crate) classification: Classification,
    /// Its protos and all they import.
    pub(crate) pool: DescriptorPool,
    /// The same, encoded.
    pub(crate) descriptors: Vec<u8>,
}

/// One version of a contract.
pub(crate) struct Version {
    /// `v1`.
    pub(crate) name: String,
    /// Its protos.
    pub(crate) files: Vec<FileDescriptor>,
}

impl Contract {
    /// Compiles the protos of `folder`.
    pub(crate) fn compile(folder: Folder) -> Result<Self, Finding> {
        let classification = Classification::read(folder.root())?;
        let descriptors = descriptors(&folder).map_err(|error| finding(&error))?;
        // Decoding the compiler's own bytes is what keeps the annotations: prost's descriptor types
        // drop extensions.
        let pool = DescriptorPool::decode(descriptors.as_slice()).map_err(|error| {
            Finding::new(
                &folder.path().display().to_string(),
                "",
                format!("{error}: fix the proto"),
            )
        })?;
        let versions = folder
            .versions
            .iter()
            .map(|(name, protos)| Version {
                name: name.clone(),
                files: protos
                    .iter()
                    .filter_map(|proto| pool.get_file_by_name(proto))
                    .collect(),
            })
            .collect();
        Ok(Self {
            folder,
            versions,
            options: Options::of(&pool),
            classification,
            pool,
            descriptors,
        })
    }

    /// The message of this full name, if the contract itself declares it.
    pub(crate) fn message(&self, full_name: &str) -> Option<MessageDescriptor> {
        let found = self.pool.get_message_by_name(full_name)?;
        let mut files = self.versions.iter().flat_map(|version| &version.files);
        files
            .any(|file| *file == found.parent_file())
            .then_some(found)
    }
}

impl Version {
    /// Its services; [`crate::checks`] makes sure that there is exactly one.
    pub(crate) fn services(&self) -> impl Iterator<Item = ServiceDescriptor> {
        self.files.iter().flat_map(FileDescriptor::services)
    }

    /// Its messages, nested ones too, without the entries prost makes of maps.
    pub(crate) fn messages(&self) -> Vec<MessageDescriptor> {
        let mut found = Vec::new();
        let mut open: Vec<_> = self
            .files
            .iter()
            .flat_map(FileDescriptor::messages)
            .collect();
        open.reverse();
        while let Some(message) = open.pop() {
            let mut nested: Vec<_> = message
                .child_messages()
                .filter(|child| !child.is_map_entry())
                .collect();
            nested.reverse();
            open.extend(nested);
            found.push(message);
        }
        found
    }
}

fn descriptors(folder: &Folder) -> Result<Vec<u8>, protox::Error> {
    let mut compiler = Compiler::new([folder.root().to_owned(), folder.options()])?;
    compiler.include_imports(true).include_source_info(true);
    for proto in folder.versions.iter().flat_map(|(_, protos)| protos) {
        compiler.open_file(proto)?;
    }
    Ok(compiler.encode_file_descriptor_set())
}

fn finding(error: &protox::Error) -> Finding {
    // `Debug` of this error is its report: file, line, column, message. What is wrong inside an
    // option is said by its source only.
    let (report, remedy) = match error.diagnostic_source() {
        Some(source) => (
            format!("{error:?}: {source}"),
            "fix the proto, proto/options declares what there is",
        ),
        None => (format!("{error:?}"), "fix the proto"),
    };
    let one_line = report.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.split_once(": ") {
        Some((place, problem)) => {
            let problem = problem.replace(": ", ", ");
            Finding::new(place, "", format!("{problem}: {remedy}"))
        }
        None => Finding::new(&one_line, "", format!("does not compile: {remedy}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::system;

    #[test]
    fn a_proto_that_does_not_compile_names_line_and_column() {
        system(
            "string sku = 1",
            "strin sku = 1",
            &[
                "system/price-list/v1/contract.proto:16:3: name 'strin' is not defined: fix the proto",
            ],
        );
    }
}
