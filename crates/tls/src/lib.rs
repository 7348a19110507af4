//! OpenSSL's C interface for librdkafka, provided by AWS-LC.
//!
//! OpenSSL's own build wants perl; a fresh machine has a compiler and make. AWS-LC speaks the part of OpenSSL's
//! interface that librdkafka calls, and its cryptography is in the program already (object stores use it), so that
//! only its TLS protocol is added here. Guarantees: both halves come from one version of AWS-LC.
//!
//! Deliberately absent: Rust bindings. Nothing but librdkafka calls this, and it does so from C.

extern crate aws_lc_sys;
