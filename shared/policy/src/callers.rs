//! The decision, made for every call before its handler runs.

use std::{collections::HashMap, path::Path};

use strata_config::{Environment, Expires, trust_domain};
use strata_core::{Clearance, Layer, Method, SpiffeId};

use crate::file::{CallersFile, PolicyError};

/// What callers.toml grants, ready to be asked.
#[derive(Debug)]
pub struct Callers {
    /// Every method of the contract and its position, by its path on the wire.
    methods: HashMap<&'static str, (usize, &'static Method)>,
    granted: HashMap<SpiffeId, Granted>,
}

#[derive(Debug)]
struct Granted {
    methods: Bits,
    clearance: Clearance,
    /// The last day of a grant that an exemption makes.
    expires: Option<Expires>,
}

/// The call is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The method called.
    pub method: &'static Method,
    /// The labels the caller may be answered.
    pub clearance: Clearance,
    /// Whether only an exemption from the rule of the layers grants it.
    pub exempted: bool,
}

/// The call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No entry names the caller.
    UnknownCaller,
    /// The contract has no such path.
    UnknownMethod,
    /// The caller's entry does not name the method.
    MethodNotAllowed,
    /// The caller's exemption is over.
    ExemptionExpired,
}

impl Denied {
    /// The reason as a security event carries it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownCaller => "unknown_caller",
            Self::UnknownMethod => "unknown_method",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ExemptionExpired => "exemption_expired",
        }
    }
}

impl Callers {
    /// Reads the callers.toml of a service in `layer` with the given methods. Callers are known by
    /// their SPIFFE ID in `environment`. A missing file admits nobody.
    ///
    /// # Errors
    /// [`PolicyError`] with everything that is wrong; then nothing is granted.
    pub fn load(
        file: &Path,
        layer: Layer,
        environment: Environment,
        methods: &'static [Method],
    ) -> Result<Self, PolicyError> {
        let document = CallersFile::load_for(file, layer, methods)?;
        let mut granted = HashMap::new();
        for entry in document.callers {
            let id = trust_domain(entry.layer, environment)
                .and_then(|domain| domain.workload(&entry.service))
                .map_err(|source| PolicyError::Identity {
                    service: entry.service,
                    source,
                })?;
            let allowed = methods
                .iter()
                .enumerate()
                .filter(|(_, method)| entry.methods.iter().any(|name| name == method.name))
                .map(|(position, _)| position);
            granted.insert(
                id,
                Granted {
                    methods: Bits::of(allowed, methods.len()),
                    clearance: entry.clearance,
                    expires: entry.exemption.map(|exemption| exemption.expires),
                },
            );
        }
        let methods = methods
            .iter()
            .enumerate()
            .map(|(at, method)| (method.path, (at, method)))
            .collect();
        Ok(Self { methods, granted })
    }

    /// Whether `caller` may call the method at `path`. Allocates nothing.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub fn decide(&self, caller: &SpiffeId, path: &str) -> Result<Grant, Denied> {
        let granted = self.granted.get(caller).ok_or(Denied::UnknownCaller)?;
        let (at, method) = self.methods.get(path).ok_or(Denied::UnknownMethod)?;
        if !granted.methods.contains(*at) {
            return Err(Denied::MethodNotAllowed);
        }
        // Asked at every call: it ends while the service runs.
        if granted.expires.is_some_and(Expires::is_over) {
            return Err(Denied::ExemptionExpired);
        }
        Ok(Grant {
            method,
            clearance: granted.clearance,
            exempted: granted.expires.is_some(),
        })
    }
}

/// A set of method positions.
#[derive(Debug)]
struct Bits(Box<[u64]>);

impl Bits {
    fn of(members: impl Iterator<Item = usize>, size: usize) -> Self {
        let mut words = vec![0_u64; size.div_ceil(64)];
        for member in members {
            if let Some(word) = words.get_mut(member / 64) {
                *word |= 1 << (member % 64);
            }
        }
        Self(words.into())
    }

    fn contains(&self, member: usize) -> bool {
        self.0
            .get(member / 64)
            .is_some_and(|word| word & (1 << (member % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use strata_core::{Category, Label, Sensitivity};

    use super::*;

    const fn method(name: &'static str, path: &'static str) -> Method {
        let ceiling = Label::new(Sensitivity::Public, &[]);
        Method {
            name,
            path,
            scope: "",
            purpose: "",
            idempotent: true,
            ceiling,
            durable: false,
        }
    }

    static METHODS: [Method; 3] = [
        method("Get", "/s.S/Get"),
        method("List", "/s.S/List"),
        method("Put", "/s.S/Put"),
    ];

    const GOOD: &str = "[[callers]]\nservice = 'overview'\nlayer = 'process'\n\
        methods = ['Get', 'List']\n\
        clearance = { sensitivity = 'restricted', categories = ['personal'] }\n";

    fn load(text: &str) -> Result<Callers, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("callers.toml");
        fs::write(&file, text).unwrap();
        let prefix = format!("{}/", folder.path().display());
        Callers::load(&file, Layer::System, Environment::Dev, &METHODS)
            .map_err(|error| error.to_string().replace(&prefix, ""))
    }

    fn id(layer: Layer, environment: Environment, service: &str) -> SpiffeId {
        trust_domain(layer, environment)
            .unwrap()
            .workload(service)
            .unwrap()
    }

    fn overview() -> SpiffeId {
        id(Layer::Process, Environment::Dev, "overview")
    }

    #[test]
    fn grants_what_is_written_and_its_clearance() {
        let grant = load(GOOD).unwrap().decide(&overview(), "/s.S/Get").unwrap();
        let label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
        assert_eq!(grant.clearance, Clearance(label));
        let public = load(&GOOD.replace("clearance", "#")).unwrap();
        assert_eq!(
            public.decide(&overview(), "/s.S/Get").unwrap().clearance,
            Clearance::default()
        );
    }

    #[test]
    fn refuses_everything_else() {
        let callers = load(GOOD).unwrap();
        assert!(callers.decide(&overview(), "/s.S/Get").is_ok());
        assert_eq!(
            callers.decide(&overview(), "/s.S/Put"),
            Err(Denied::MethodNotAllowed)
        );
        for path in [
            "/s.S/Drop",
            "Get",
            "/s.S/get",
            "/s.S/Get/",
            "",
            "/grpc.health.v1.Health/Check",
        ] {
            assert_eq!(
                callers.decide(&overview(), path),
                Err(Denied::UnknownMethod),
                "{path}"
            );
        }
        for stranger in [
            id(Layer::Process, Environment::Dev, "overviews"),
            id(Layer::Process, Environment::Prod, "overview"),
            id(Layer::Experience, Environment::Dev, "overview"),
            id(Layer::System, Environment::Dev, "overview"),
        ] {
            assert_eq!(
                callers.decide(&stranger, "/s.S/Get"),
                Err(Denied::UnknownCaller)
            );
        }
    }

    #[test]
    fn each_refusal_has_a_word_of_its_own() {
        assert_eq!(Denied::UnknownCaller.reason(), "unknown_caller");
        assert_eq!(Denied::UnknownMethod.reason(), "unknown_method");
        assert_eq!(Denied::MethodNotAllowed.reason(), "method_not_allowed");
        assert_eq!(Denied::ExemptionExpired.reason(), "exemption_expired");
    }

    #[test]
    fn nothing_written_admits_nobody() {
        let missing = Path::new("no/such/callers.toml");
        let callers = Callers::load(missing, Layer::System, Environment::Dev, &METHODS).unwrap();
        assert_eq!(
            callers.decide(&overview(), "/s.S/Get"),
            Err(Denied::UnknownCaller)
        );
        for text in ["", "callers = []\n", "# [[callers]]\n"] {
            let callers = load(text).unwrap();
            for method in &METHODS {
                assert_eq!(
                    callers.decide(&overview(), method.path),
                    Err(Denied::UnknownCaller)
                );
            }
        }
    }

    #[test]
    fn mistakes_are_named_with_line_and_key() {
        assert!(load(GOOD).is_ok());
        let changed = |from: &str, to: &str| load(&GOOD.replace(from, to)).unwrap_err();
        assert_eq!(
            changed("'Get'", "'Gett'"),
            "callers.toml:4: unknown method 'Gett': expected Get, List, Put"
        );
        assert_eq!(
            changed("'process'", "'experience'"),
            "callers.toml:3: the experience layer may not call the system layer: process may"
        );
        assert_eq!(
            changed("clearance", "clearence"),
            "callers.toml:5: unknown key 'callers.0.clearence'; did you mean 'clearance'?"
        );
        assert_eq!(
            changed("sensitivity", "sensitive"),
            "callers.toml:5: unknown key 'callers.0.clearance.sensitive'; expected one of \
             sensitivity, categories\n\
             callers.toml:5: key 'callers.0.clearance.sensitivity' is missing"
        );
        assert_eq!(
            changed("'restricted'", "'high'"),
            "callers.toml:5: key 'callers.0.clearance.sensitivity' is not valid: expected one of \
             public, internal, confidential, restricted"
        );
        assert_eq!(
            changed("'Get', 'List'", "'Get', 'Get'"),
            "callers.toml:4: method 'Get' is named twice"
        );
        assert_eq!(
            changed("['Get', 'List']", "[]"),
            "callers.toml:4: 'methods' is empty: name what it may call, or remove the entry"
        );
        assert_eq!(
            changed("['Get', 'List']", "'*'"),
            "callers.toml:4: key 'callers.0.methods' is not valid: expected an array"
        );
        assert_eq!(
            load(&format!("{GOOD}{GOOD}")).unwrap_err(),
            "callers.toml:7: caller 'overview' has two entries: make them one"
        );
    }

    /// The same caller, of the layer above, until so many days from now.
    fn exempted(days: i64) -> String {
        let expires = Expires::in_days(days);
        format!(
            "{}exemption = {{ reason = 'a migration', owner = 'team', expires = '{expires}' }}\n",
            GOOD.replace("'process'", "'experience'")
        )
    }

    #[test]
    fn an_exemption_grants_until_its_last_day_and_says_so() {
        let desk = id(Layer::Experience, Environment::Dev, "overview");
        let ask = |days, path| load(&exempted(days)).unwrap().decide(&desk, path);
        assert!(ask(0, "/s.S/Get").unwrap().exempted);
        assert!(ask(90, "/s.S/List").unwrap().exempted);
        assert_eq!(ask(90, "/s.S/Put"), Err(Denied::MethodNotAllowed));
        assert_eq!(ask(-1, "/s.S/Get"), Err(Denied::ExemptionExpired));
        // Nobody else by it, and what the rule allows is no exemption.
        let callers = load(&exempted(90)).unwrap();
        assert_eq!(
            callers.decide(&overview(), "/s.S/Get"),
            Err(Denied::UnknownCaller)
        );
        let other = id(Layer::Experience, Environment::Dev, "overviews");
        assert_eq!(
            callers.decide(&other, "/s.S/Get"),
            Err(Denied::UnknownCaller)
        );
        let granted = load(GOOD).unwrap().decide(&overview(), "/s.S/Get");
        assert!(!granted.unwrap().exempted);
    }

    #[test]
    fn nobody_calls_the_experience_layer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("callers.toml");
        for layer in Layer::ALL {
            fs::write(&file, GOOD.replace("process", layer.as_str())).unwrap();
            let error = Callers::load(&file, Layer::Experience, Environment::Dev, &METHODS);
            assert!(
                error
                    .unwrap_err()
                    .to_string()
                    .ends_with("no service calls the experience layer: remove the entry")
            );
        }
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_no_empty_policy() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = Callers::load(folder.path(), Layer::System, Environment::Dev, &METHODS);
        assert!(matches!(loaded, Err(PolicyError::Unreadable { .. })));
    }

    /// Every subset of a contract's methods, with more methods than one word has bits.
    #[test]
    fn exactly_the_named_methods_are_granted() {
        for size in [1, 63, 64, 65, 130] {
            for stride in [1, 2, 7, 64, 200] {
                let named = |at: usize| at.is_multiple_of(stride);
                let bits = Bits::of((0..size).filter(|at| named(*at)), size);
                for at in 0..size {
                    assert_eq!(bits.contains(at), named(at), "{at} of {size} by {stride}");
                }
                assert!(!bits.contains(size + 64));
            }
        }
    }
}
