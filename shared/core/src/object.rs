//! Objects that belong to somebody, and the one check that stands before them.

use std::fmt;

use crate::{
    call::Call,
    error::{Error, ErrorCode},
};

/// The role of people who serve the users of their region and tenant.
pub const AGENT: &str = "agent";

/// An object that belongs to a user, a region and a tenant: what the check compares with a principal.
pub trait Owned {
    /// What it is: the contract's message that annotates its owner, `Customer`. Policies know it by
    /// this name.
    const KIND: &'static str;
    /// The id of the user it belongs to.
    fn owner(&self) -> &str;
    /// The region it belongs to.
    fn region(&self) -> &str;
    /// The tenant it belongs to. Empty where there are no tenants: nobody is bound to that one.
    fn tenant(&self) -> &str;
}

/// What of an object decides who reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// [`Owned::KIND`].
    pub kind: &'static str,
    /// [`Owned::owner`].
    pub owner: &'a str,
    /// [`Owned::region`].
    pub region: &'a str,
    /// [`Owned::tenant`].
    pub tenant: &'a str,
}

/// Decides which objects a request reaches: the service's policies, asked for its caller and user.
pub trait Objects: Send + Sync {
    /// Whether it reaches this one.
    fn may_reach(&self, object: &Object<'_>) -> bool;
    /// Decides about an object of this kind ([`Owned::KIND`]) that there is not, for nothing: what is
    /// missing costs as much as what is somebody else's.
    fn miss(&self, kind: &'static str);
}

impl fmt::Debug for dyn Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects")
    }
}

impl Call {
    /// Whether the request reaches the object. Where nobody decides it reaches none.
    #[must_use]
    pub fn may_reach<T: Owned>(&self, object: &T) -> bool {
        self.objects.as_ref().is_some_and(|objects| {
            objects.may_reach(&Object {
                kind: T::KIND,
                owner: object.owner(),
                region: object.region(),
                tenant: object.tenant(),
            })
        })
    }

    /// Whether the request reaches every one of these, as it reaches every one of none. None cost a
    /// decision too.
    #[must_use]
    pub fn may_reach_all<T: Owned>(&self, objects: &[T]) -> bool {
        if objects.is_empty() {
            self.miss::<T>();
        }
        objects.iter().all(|object| self.may_reach(object))
    }

    fn miss<T: Owned>(&self) {
        if let Some(objects) = &self.objects {
            objects.miss(T::KIND);
        }
    }
}

/// An object as a store read it, of which nothing can be seen or changed before the check, also not
/// whether it is there. A write reads it inside its transaction, so that what was checked is what is
/// changed.
pub struct Unchecked<T>(Option<T>);

impl<T: Owned> Unchecked<T> {
    /// Closes an object; none where the store has none.
    #[must_use]
    pub const fn new(object: Option<T>) -> Self {
        Self(object)
    }

    /// The object, for a request that reaches it. There is no other way to it.
    ///
    /// # Errors
    /// `NotFound`: somebody else's object answers exactly like a missing one, after as many decisions.
    /// What a store reads besides, it reads once the object is open.
    pub fn open(self, call: &Call) -> Result<T, Error> {
        match self.0 {
            Some(object) if call.may_reach(&object) => return Ok(object),
            Some(_) => {}
            None => call.miss::<T>(),
        }
        Err(ErrorCode::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Instant,
    };

    use super::*;
    use crate::call::{Caller, TraceContext};

    struct Parcel(&'static str);

    impl Owned for Parcel {
        const KIND: &'static str = "Parcel";

        fn owner(&self) -> &str {
            self.0
        }

        fn region(&self) -> &'static str {
            "uk"
        }

        fn tenant(&self) -> &'static str {
            "teahouse"
        }
    }

    /// Reaches one, and counts what it decided.
    struct Only(Object<'static>, AtomicU32);

    impl Objects for Only {
        fn may_reach(&self, object: &Object<'_>) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            *object == self.0
        }

        fn miss(&self, kind: &'static str) {
            assert_eq!(kind, "Parcel");
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn call(objects: Option<Arc<dyn Objects>>) -> Call {
        Call {
            caller: Caller::Edge,
            principal: None,
            credential: None,
            objects,
            deadline: Instant::now(),
            trace: TraceContext {
                trace_id: 1,
                span_id: 1,
                sampled: false,
            },
        }
    }

    #[test]
    fn who_decides_is_printed_without_what_is_decided() {
        let nothing = Object {
            kind: "Parcel",
            owner: "ann",
            region: "",
            tenant: "",
        };
        let objects: Arc<dyn Objects> = Arc::new(Only(nothing, 0.into()));
        assert_eq!(format!("{objects:?}"), "Objects");
    }

    #[test]
    fn an_object_opens_to_whom_it_is_decided_and_to_nobody_else() {
        let ann = Object {
            kind: "Parcel",
            owner: "ann",
            region: "uk",
            tenant: "teahouse",
        };
        let opened = |object, objects| Unchecked::new(Some(Parcel(object))).open(&call(objects));
        let reaching = || -> Option<Arc<dyn Objects>> { Some(Arc::new(Only(ann, 0.into()))) };
        assert!(opened("ann", reaching()).is_ok());
        let missing = Some(Error::from(ErrorCode::NotFound));
        assert_eq!(opened("bob", reaching()).err(), missing);
        assert_eq!(opened("ann", None).err(), missing);
    }

    #[test]
    fn what_is_missing_costs_as_many_decisions_as_what_is_anothers() {
        let ann = Object {
            kind: "Parcel",
            owner: "ann",
            region: "uk",
            tenant: "teahouse",
        };
        let decided = |ask: &dyn Fn(&Call)| {
            let only = Arc::new(Only(ann, 0.into()));
            ask(&call(Some(only.clone())));
            only.1.load(Ordering::Relaxed)
        };
        for object in [Some("bob"), None] {
            let open = |call: &Call| {
                let opened = Unchecked::new(object.map(Parcel)).open(call);
                assert_eq!(opened.err(), Some(Error::from(ErrorCode::NotFound)));
            };
            assert_eq!(decided(&open), 1);
        }
        let others = |call: &Call| assert!(!call.may_reach_all(&[Parcel("bob"), Parcel("bob")]));
        assert_eq!(decided(&others), 1);
        let none = |call: &Call| assert!(call.may_reach_all::<Parcel>(&[]));
        assert_eq!(decided(&none), 1);
    }
}
