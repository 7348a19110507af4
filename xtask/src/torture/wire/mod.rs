//! A small Kafka client of our own: what the torture asks of a broker beside Millstream's and librdkafka's client.
//!
//! Guarantees: nothing of the product's code is in it, so that what the topic holds is known independently. Every read is
//! bounded by a timeout. Deliberately absent: compression, security, more than one node, and flexible versions of
//! requests; each call uses a version that both Apache Kafka 4 and the embedded broker serve.

mod admin;
mod batch;
mod body;
mod fetch;
mod group;
mod send;

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

pub use batch::Record;
use body::{Answer, Body};

/// Answers longer than this are not what we asked for.
const ANSWER_MAX: usize = 64 << 20;

/// One connection to the broker.
pub struct Wire {
    stream: TcpStream,
    correlation: i32,
}

impl Wire {
    /// Connects; no answer may take longer than `patience`.
    pub fn connect(address: &str, patience: Duration) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("broker {address}: {error}");
        let found = address.to_socket_addrs().map_err(told)?;
        // A name may stand for addresses of which the broker has only one.
        let mut last = format!("broker {address}: the name has no address");
        for address in found {
            match TcpStream::connect_timeout(&address, patience) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(patience)).map_err(told)?;
                    stream.set_write_timeout(Some(patience)).map_err(told)?;
                    return Ok(Self { stream, correlation: 0 });
                }
                Err(error) => last = told(error),
            }
        }
        Err(last)
    }

    /// Sends a request and waits for its answer.
    fn call(&mut self, key: i16, version: i16, body: Body) -> Result<Answer, String> {
        self.correlation += 1;
        let mut head = Body::default();
        head.i16(key).i16(version).i32(self.correlation).string("torture");
        let mut request = head.into_bytes();
        request.extend(body.into_bytes());
        let told = |error: std::io::Error| format!("the broker does not answer: {error}");
        self.stream.write_all(&(request.len() as u32).to_be_bytes()).map_err(told)?;
        self.stream.write_all(&request).map_err(told)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(told)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > ANSWER_MAX {
            return Err(format!("the broker's answer has {length} bytes"));
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).map_err(told)?;
        let mut answer = Answer::new(bytes);
        match answer.i32()? {
            correlation if correlation == self.correlation => Ok(answer),
            other => Err(format!("the broker answered request {other}, not {}", self.correlation)),
        }
    }
}

/// An error code of Kafka's as an error.
fn good(code: i16, what: &str) -> Result<(), String> {
    if code == 0 { Ok(()) } else { Err(format!("{what}: Kafka's error code {code}")) }
}
