//! Tests of the estate as a whole: real processes, real certificates.
