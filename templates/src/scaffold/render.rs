//! The template files of a service, and their rendering.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use serde::Serialize;
use strata_core::{Category, Label, Layer, Sensitivity};
use time::{Duration, OffsetDateTime};

use super::{
    calling::{Calling, Permit},
    label,
    plan::{Plan, tier},
};

/// Where a file goes, and its template.
type Template = (&'static str, &'static str);

macro_rules! template {
    ($target:literal, $file:literal) => {
        (
            $target,
            include_str!(concat!("../../service/", $file, ".jinja")),
        )
    };
}

/// How long a new policy may go without a review.
const REVIEW: Duration = Duration::days(365);

/// What every service has.
const COMMON: &[Template] = &[
    template!(
        "proto/${layer}/${name}/Cargo.toml",
        "common/contract/Cargo.toml"
    ),
    template!(
        "proto/${layer}/${name}/build.rs",
        "common/contract/build.rs"
    ),
    template!(
        "proto/${layer}/${name}/src/lib.rs",
        "common/contract/lib.rs"
    ),
    template!("${layer}-api/${name}/Cargo.toml", "common/Cargo.toml"),
    template!("${layer}-api/${name}/service.toml", "common/service.toml"),
    template!(
        "${layer}-api/${name}/config/base.toml",
        "common/config/base.toml"
    ),
    template!(
        "${layer}-api/${name}/config/dev.toml",
        "common/config/dev.toml"
    ),
    template!(
        "${layer}-api/${name}/config/test.toml",
        "common/config/test.toml"
    ),
    template!(
        "${layer}-api/${name}/config/staging.toml",
        "common/config/staging.toml"
    ),
    template!(
        "${layer}-api/${name}/config/prod.toml",
        "common/config/prod.toml"
    ),
    template!(
        "${layer}-api/${name}/policy/access.cedar",
        "common/access.cedar"
    ),
    template!("${layer}-api/${name}/src/main.rs", "common/main.rs"),
    template!("${layer}-api/${name}/tests/service.rs", "common/tests.rs"),
];

const SYSTEM: &[Template] = &[
    template!(
        "proto/system/${name}/v1/${snake}.proto",
        "system/contract.proto"
    ),
    template!(
        "system-api/${name}/policy/callers.toml",
        "common/callers.toml"
    ),
    template!(
        "system-api/${name}/policy/networks.toml",
        "common/networks.toml"
    ),
    template!(
        "system-api/${name}/migrations/0001_records.sql",
        "system/migrations/0001_records.sql"
    ),
    template!("system-api/${name}/src/lib.rs", "system/lib.rs"),
    template!("system-api/${name}/src/api.rs", "system/api.rs"),
    template!("system-api/${name}/src/domain.rs", "system/domain.rs"),
    template!("system-api/${name}/src/seed.rs", "system/seed.rs"),
    template!("system-api/${name}/src/store.rs", "system/store.rs"),
];

const PROCESS: &[Template] = &[
    template!(
        "proto/process/${name}/v1/${snake}.proto",
        "common/contract/own.proto"
    ),
    template!(
        "process-api/${name}/policy/callers.toml",
        "common/callers.toml"
    ),
    template!(
        "process-api/${name}/policy/networks.toml",
        "common/networks.toml"
    ),
    template!("process-api/${name}/src/lib.rs", "process/lib.rs"),
    template!("process-api/${name}/src/api.rs", "process/api.rs"),
    template!("process-api/${name}/src/domain.rs", "common/domain.rs"),
];

const CALLING_PROCESS: &[Template] = &[
    template!(
        "proto/process/${name}/v1/${snake}.proto",
        "common/contract/calling.proto"
    ),
    template!(
        "process-api/${name}/policy/callers.toml",
        "common/callers.toml"
    ),
    template!(
        "process-api/${name}/policy/networks.toml",
        "common/networks.toml"
    ),
    template!("process-api/${name}/src/lib.rs", "process/calling_lib.rs"),
    template!("process-api/${name}/src/api.rs", "process/calling_api.rs"),
    template!("process-api/${name}/src/upstream.rs", "common/upstream.rs"),
];

const EXPERIENCE: &[Template] = &[
    template!(
        "proto/experience/${name}/v1/${snake}.proto",
        "common/contract/own.proto"
    ),
    template!(
        "experience-api/${name}/policy/roles.toml",
        "experience/roles.toml"
    ),
    template!(
        "experience-api/${name}/policy/plans.toml",
        "experience/plans.toml"
    ),
    template!(
        "experience-api/${name}/policy/consumers.toml",
        "experience/consumers.toml"
    ),
    template!(
        "experience-api/${name}/policy/networks.toml",
        "experience/networks.toml"
    ),
    template!("experience-api/${name}/src/lib.rs", "experience/lib.rs"),
    template!("experience-api/${name}/src/api.rs", "experience/api.rs"),
    template!("experience-api/${name}/src/domain.rs", "common/domain.rs"),
];

const CALLING_EXPERIENCE: &[Template] = &[
    template!(
        "proto/experience/${name}/v1/${snake}.proto",
        "common/contract/calling.proto"
    ),
    template!(
        "experience-api/${name}/policy/roles.toml",
        "experience/roles.toml"
    ),
    template!(
        "experience-api/${name}/policy/plans.toml",
        "experience/plans.toml"
    ),
    template!(
        "experience-api/${name}/policy/consumers.toml",
        "experience/consumers.toml"
    ),
    template!(
        "experience-api/${name}/policy/networks.toml",
        "experience/networks.toml"
    ),
    template!(
        "experience-api/${name}/src/lib.rs",
        "experience/calling_lib.rs"
    ),
    template!(
        "experience-api/${name}/src/api.rs",
        "experience/calling_api.rs"
    ),
    template!(
        "experience-api/${name}/src/upstream.rs",
        "common/upstream.rs"
    ),
];

/// What other templates include.
const PARTS: &[Template] = &[
    template!("request", "common/request.rs"),
    template!("convert", "common/convert.rs"),
];

/// What the templates see.
#[derive(Serialize)]
struct View<'a> {
    layer: Layer,
    tier: &'static str,
    name: &'a str,
    snake: String,
    pascal: String,
    /// The method of a service that calls nothing.
    get: String,
    owner: &'a str,
    description: &'a str,
    callees: Vec<CalleeView<'a>>,
    contracts: Vec<ContractView<'a>>,
    clearance: String,
    /// What a plan of an Experience API names.
    shown_methods: Vec<String>,
    /// What a consumer of an Experience API needs.
    scopes: BTreeSet<String>,
    permits: Vec<Permit>,
    /// The day it is made.
    today: String,
    /// The day by which its policies are to be reviewed.
    review: String,
    #[serde(flatten)]
    calling: &'a Calling,
}

#[derive(Serialize)]
struct CalleeView<'a> {
    name: &'a str,
    methods: Vec<&'a str>,
}

/// A contract crate a service depends on.
#[derive(Serialize)]
struct ContractView<'a> {
    layer: Layer,
    name: &'a str,
}

/// Renders the service into `folder`, formatted as `root` wants it; the files, relative to it.
pub(super) fn stage(
    plan: &Plan,
    calling: &Calling,
    folder: &Path,
    root: &Path,
) -> Result<Vec<PathBuf>> {
    let own = match (plan.layer, plan.callees.is_empty()) {
        (Layer::System, _) => SYSTEM,
        (Layer::Process, true) => PROCESS,
        (Layer::Process, false) => CALLING_PROCESS,
        (Layer::Experience, true) => EXPERIENCE,
        (Layer::Experience, false) => CALLING_EXPERIENCE,
    };
    let engine = engine()?;
    let view = Value::from(Serde(View::of(plan, calling)));
    let mut files = Vec::new();
    for (target, template) in COMMON.iter().chain(own) {
        let file = PathBuf::from(engine.render_str(target, &view)?);
        let text = engine
            .render_named_str(target, template, &view)
            .with_context(|| format!("the template of {} is wrong", file.display()))?;
        let path = folder.join(&file);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        files.push(file);
    }
    format(folder, &files, root)?;
    files.sort_unstable();
    Ok(files)
}

impl<'a> View<'a> {
    fn of(plan: &'a Plan, calling: &'a Calling) -> Self {
        let callees = plan.callees.iter().map(|callee| CalleeView {
            name: &callee.name,
            methods: callee
                .methods
                .iter()
                .map(|found| found.method.name())
                .collect(),
        });
        let mut contracts = vec![ContractView {
            layer: plan.layer,
            name: &plan.name,
        }];
        for layer in plan.layer.callees() {
            let callees = plan.callees.iter();
            contracts.extend(callees.map(|callee| ContractView {
                layer,
                name: &callee.name,
            }));
        }
        contracts.sort_unstable_by_key(|contract| (contract.layer.as_str(), contract.name));
        let pascal = plan.name.to_upper_camel_case();
        let own = Label::new(Sensitivity::Confidential, &[Category::Personal]);
        let get = format!("Get{pascal}");
        let (mut methods, mut scopes) = calling.methods_and_scopes();
        if methods.is_empty() {
            methods.push(get.clone());
            scopes.insert(format!("{}:read", plan.name));
        }
        let shown = calling.labels.iter().copied().reduce(Label::join);
        Self {
            layer: plan.layer,
            tier: tier(plan.layer),
            name: &plan.name,
            snake: plan.name.replace('-', "_"),
            get: get.to_snake_case(),
            permits: calling.permits(plan.layer, &get),
            today: OffsetDateTime::now_utc().date().to_string(),
            review: (OffsetDateTime::now_utc() + REVIEW).date().to_string(),
            pascal,
            owner: &plan.owner,
            description: &plan.description,
            callees: callees.collect(),
            contracts,
            clearance: label::in_policy(shown.unwrap_or(own)).to_string(),
            shown_methods: methods,
            scopes,
            calling,
        }
    }
}

/// The delimiters leave the braces of Rust, TOML and protobuf alone.
fn engine() -> Result<Environment<'static>> {
    let mut engine = Environment::new();
    engine.set_syntax(
        SyntaxConfig::builder()
            .block_delimiters("<%", "%>")
            .variable_delimiters("${", "}")
            .comment_delimiters("<#", "#>")
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    for (name, template) in PARTS {
        engine.add_template(name, template)?;
    }
    Ok(engine)
}

/// Names differ in length, so only the formatter knows where the lines of a rendering break.
fn format(folder: &Path, files: &[PathBuf], root: &Path) -> Result<()> {
    let rust = files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "rs"));
    let output = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .args(rust.map(|file| folder.join(file)))
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("rustfmt cannot be started: run `rustup component add rustfmt`")?;
    ensure!(
        output.status.success(),
        "rustfmt refuses what the templates make: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
