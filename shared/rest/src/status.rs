//! What an upstream's gRPC status means to this service's own client.

use strata_core::{Error, ErrorCode};

/// The error to answer with when an upstream call ended in `status`.
///
/// The code goes on, except that a code the estate does not use becomes `Internal`. The text goes
/// on only where the upstream wrote it for whoever sent the request: any other text may come from
/// a library or a driver, and the safe sentence of the code stands in for it.
#[must_use]
pub fn from_status(status: &tonic::Status) -> Error {
    let code = ErrorCode::from_grpc(status.code() as i32);
    match code {
        ErrorCode::InvalidArgument | ErrorCode::NotFound | ErrorCode::Conflict
            if !status.message().is_empty() =>
        {
            Error::new(code, status.message().to_owned())
        }
        _ => code.into(),
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;

    #[test]
    fn what_the_upstream_says_to_the_caller_goes_on() {
        for code in [Code::InvalidArgument, Code::NotFound, Code::Aborted] {
            let error = from_status(&Status::new(code, "there is no such order"));
            assert_eq!(error.code().grpc(), code as i32);
            assert_eq!(error.message(), "there is no such order");
        }
        assert_eq!(
            from_status(&Status::new(Code::NotFound, "")).message(),
            ErrorCode::NotFound.safe_message()
        );
    }

    #[test]
    fn any_other_text_stays_here() {
        for number in 1..=16 {
            let code = Code::from(number);
            if matches!(code, Code::InvalidArgument | Code::NotFound | Code::Aborted) {
                continue;
            }
            let error = from_status(&Status::new(code, "table customer is locked"));
            assert_eq!(error.message(), error.code().safe_message(), "{code:?}");
        }
    }

    #[test]
    fn a_code_the_estate_does_not_use_is_a_defect() {
        for code in [
            Code::Unknown,
            Code::Cancelled,
            Code::DataLoss,
            Code::OutOfRange,
        ] {
            assert_eq!(
                from_status(&Status::new(code, "")).code(),
                ErrorCode::Internal
            );
        }
    }
}
