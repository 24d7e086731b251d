//! One error code for the whole estate, with a gRPC status and an HTTP status each.

use std::{borrow::Cow, fmt};

/// What went wrong, as far as a caller may know.
///
/// gRPC numbers are those of google.rpc.Code; HTTP statuses follow google/rpc/code.proto, except
/// that a missed deadline is 504 and an exhausted limit 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request itself is wrong.
    InvalidArgument,
    /// No acceptable credential came with the request.
    Unauthenticated,
    /// The identity is known and may not do this.
    PermissionDenied,
    /// There is no such thing, or none this caller may know of.
    NotFound,
    /// The state has moved on: read again, then decide.
    Conflict,
    /// A limit or quota is used up.
    ResourceExhausted,
    /// The time the caller gave has passed.
    DeadlineExceeded,
    /// A dependency is away for now; the same request may succeed later.
    Unavailable,
    /// The method exists in no version served here.
    Unimplemented,
    /// The method was served until a date, and that has come.
    Gone,
    /// A defect of ours.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Conflict,
        Self::ResourceExhausted,
        Self::DeadlineExceeded,
        Self::Unavailable,
        Self::Unimplemented,
        Self::Gone,
        Self::Internal,
    ];

    /// google.rpc.Code number. gRPC has none for what is gone.
    #[must_use]
    pub const fn grpc(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::Conflict => 10,
            Self::Unimplemented | Self::Gone => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
        }
    }

    /// The code for a google.rpc.Code number. What has no code of its own becomes `Internal`, so
    /// that an upstream's surprise is never passed on as the caller's fault.
    #[must_use]
    pub fn from_grpc(number: i32) -> Self {
        Self::ALL
            .into_iter()
            .find(|code| code.grpc() == number)
            .unwrap_or(Self::Internal)
    }

    /// HTTP status.
    #[must_use]
    pub const fn http(self) -> http::StatusCode {
        match self {
            Self::InvalidArgument => http::StatusCode::BAD_REQUEST,
            Self::Unauthenticated => http::StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => http::StatusCode::FORBIDDEN,
            Self::NotFound => http::StatusCode::NOT_FOUND,
            Self::Conflict => http::StatusCode::CONFLICT,
            Self::ResourceExhausted => http::StatusCode::TOO_MANY_REQUESTS,
            Self::DeadlineExceeded => http::StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Unimplemented => http::StatusCode::NOT_IMPLEMENTED,
            Self::Gone => http::StatusCode::GONE,
            Self::Internal => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Upper-case name, as google.rpc.ErrorInfo's `reason` and the problem's `code` carry it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Gone => "GONE",
            Self::Internal => "INTERNAL",
        }
    }

    /// A sentence that is safe to show anyone.
    #[must_use]
    pub const fn safe_message(self) -> &'static str {
        match self {
            Self::InvalidArgument => "the request is not valid",
            Self::Unauthenticated => "a valid credential is required",
            Self::PermissionDenied => "this identity may not do that",
            Self::NotFound => "there is no such resource",
            Self::Conflict => "the resource has changed: read it again and retry",
            Self::ResourceExhausted => "a limit is used up: retry later",
            Self::DeadlineExceeded => "the request took too long",
            Self::Unavailable => "the service is not available: retry later",
            Self::Unimplemented => "there is no such method",
            Self::Gone => "this method is no longer served: use what replaces it",
            Self::Internal => "an internal error occurred",
        }
    }
}

/// A failure with a code and a sentence a client may read. The cause (a driver's text, a policy's
/// name) goes to the log or the security event, never into this message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    message: Cow<'static, str>,
}

impl Error {
    /// An error with a message written for the client: it must not hold labelled values.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.safe_message())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARCHITECTURE.md, section 11.
    #[test]
    fn each_code_is_what_the_paper_says() {
        for (code, name, grpc, http) in [
            (ErrorCode::InvalidArgument, "INVALID_ARGUMENT", 3, 400),
            (ErrorCode::Unauthenticated, "UNAUTHENTICATED", 16, 401),
            (ErrorCode::PermissionDenied, "PERMISSION_DENIED", 7, 403),
            (ErrorCode::NotFound, "NOT_FOUND", 5, 404),
            (ErrorCode::Conflict, "CONFLICT", 10, 409),
            (ErrorCode::ResourceExhausted, "RESOURCE_EXHAUSTED", 8, 429),
            (ErrorCode::Unimplemented, "UNIMPLEMENTED", 12, 501),
            (ErrorCode::Gone, "GONE", 12, 410),
            (ErrorCode::Internal, "INTERNAL", 13, 500),
            (ErrorCode::Unavailable, "UNAVAILABLE", 14, 503),
            (ErrorCode::DeadlineExceeded, "DEADLINE_EXCEEDED", 4, 504),
        ] {
            assert_eq!(code.as_str(), name);
            assert_eq!((code.grpc(), code.http().as_u16()), (grpc, http), "{name}");
        }
    }

    #[test]
    fn an_error_says_its_own_sentence_or_that_of_its_code() {
        let mut sentences: Vec<_> = ErrorCode::ALL.map(ErrorCode::safe_message).into();
        assert!(sentences.iter().all(|sentence| sentence.contains(' ')));
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), ErrorCode::ALL.len());
        let plain = Error::from(ErrorCode::NotFound);
        assert_eq!(plain.message(), "there is no such resource");
        let own = Error::new(ErrorCode::Conflict, "it has moved");
        assert_eq!(
            (own.code(), own.message()),
            (ErrorCode::Conflict, "it has moved")
        );
        assert_eq!(own.to_string(), "CONFLICT: it has moved");
    }

    #[test]
    fn grpc_numbers_round_trip_and_unknown_is_internal() {
        for code in ErrorCode::ALL {
            // Over gRPC nothing is gone: callers change with the callee.
            let expected = match code {
                ErrorCode::Gone => ErrorCode::Unimplemented,
                code => code,
            };
            assert_eq!(ErrorCode::from_grpc(code.grpc()), expected);
        }
        for odd in [1, 2, 15, 99, -1] {
            assert_eq!(ErrorCode::from_grpc(odd), ErrorCode::Internal);
        }
    }
}
