//! How long the checks of a large estate take: 500 contracts with 10,000 messages, three layers deep.
//!
//! `cargo bench -p strata-codegen --bench checks`

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    path::Path,
    time::Instant,
};

use strata_codegen::Report;

/// The layers and how many contracts each has; a contract is made from one of the layer before.
const LAYERS: [(&str, usize); 3] = [("system", 200), ("process", 200), ("experience", 100)];

/// Messages of each contract: two of its method, the others nested in the answer.
const MESSAGES: usize = 20;

/// Seconds it may take.
const MOST: f64 = 10.0;

/// Values of each message.
const FIELDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let estate = tempfile::tempdir()?;
    let proto = estate.path().join("proto");
    let memory = estate.path().join("checked.json");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in [
        "options/google/api/annotations.proto",
        "options/google/api/http.proto",
        "options/strata/options/v1/options.proto",
        "classification.toml",
    ] {
        write(&proto.join(file), &fs::read_to_string(own.join(file))?)?;
    }
    let mut below = None;
    for (layer, count) in LAYERS {
        for number in 0..count {
            let file = format!("{layer}/part{number}/v1/contract.proto");
            write(&proto.join(file), &contract(layer, number, below))?;
        }
        below = Some(layer);
    }
    let contracts: usize = LAYERS.iter().map(|(_, count)| count).sum();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{contracts} contracts, {} messages",
        contracts * MESSAGES
    )?;
    let mut check = |what: &str| -> Result<Report, Box<dyn Error>> {
        let start = Instant::now();
        let report = strata_codegen::check(&proto, &memory);
        let (checked, found) = (report.checked.len(), report.findings.len());
        let taken = start.elapsed().as_secs_f64();
        writeln!(
            out,
            "{what}: {taken:.2} s, {checked} checked, {found} findings"
        )?;
        if taken > MOST {
            return Err(format!("{what}: took more than {MOST} s").into());
        }
        Ok(report)
    };
    let cold = check("cold")?;
    if let Some(finding) = cold.findings.first() {
        return Err(finding.to_string().into());
    }
    let unchanged = check("unchanged")?;
    if !unchanged.checked.is_empty() {
        return Err("what is unchanged was checked again".into());
    }
    let changed = proto.join("system/part0/v1/contract.proto");
    let text = fs::read_to_string(&changed)?;
    fs::write(&changed, format!("{text}// Changed.\n"))?;
    check("one source changed")?;
    Ok(())
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

fn contract(layer: &str, number: usize, below: Option<&str>) -> String {
    let annotation = |field: usize, message: usize| {
        let from = match below {
            Some(layer) => {
                format!("from: [\"{layer}.part{number}.v1.Part{message}.value{field}\"]")
            }
            None => String::new(),
        };
        format!(
            "[(strata.options.v1.field) = {{\n    sensitivity: CONFIDENTIAL, categories: [PERSONAL], \
             kind: \"email\", mask: DOMAIN\n    {from}\n  }}]"
        )
    };
    let (import, route) = match layer {
        "experience" => (
            "import \"google/api/annotations.proto\";",
            "option (google.api.http) = {get: \"/v1/part\"};",
        ),
        _ => ("", ""),
    };
    let mut text = format!(
        "syntax = \"proto3\";\npackage {layer}.part{number}.v1;\n{import}\n\
         import \"strata/options/v1/options.proto\";\n\
         service Part{number}Service {{\n  \
         option (strata.options.v1.service) = {{layer: {}, owner: \"team\"}};\n  \
         rpc Get(GetRequest) returns (Part0) {{\n    {route}\n    \
         option (strata.options.v1.method) = {{scope: \"\", \
         ceiling: {{sensitivity: CONFIDENTIAL, categories: [PERSONAL]}}}};\n  }}\n}}\n\
         message GetRequest {{}}\n",
        layer.to_uppercase()
    );
    for message in 0..MESSAGES - 1 {
        text += &format!("message Part{message} {{\n");
        for field in 0..FIELDS {
            let number = field + 1;
            text += &format!(
                "  string value{field} = {number} {};\n",
                annotation(field, message)
            );
        }
        if message + 2 < MESSAGES {
            text += &format!("  repeated Part{} parts = {};\n", message + 1, FIELDS + 1);
        }
        text += "}\n";
    }
    text
}
