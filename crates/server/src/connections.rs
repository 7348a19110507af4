//! Connections: accepted up to a limit, one request each.
//!
//! Guarantees: a client that goes away, is slow or sends what is no request ends its own connection only.
//!
//! Deliberately absent: bodies of requests, kept connections, HTTP/2. Who scrapes metrics needs none of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use millstream_core::{Clock, Error, Result};
use millstream_runner::live::Board;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::routes::{Answer, State, answer};

/// Connections at a time. One more is told to come back later.
pub const CONNECTIONS_MAX: usize = 64;

/// Bytes of a request's head. A longer one is refused.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Lines in a request's head. One with more is refused.
const HEADERS_MAX: usize = 100;

/// Time that a client has for its request and for taking the answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause after a connection could not be accepted, for example because no file can be opened any more.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bytes of what a refused client had already sent that are read, so that it gets to hear why.
const REFUSED_BYTES_MAX: usize = 64 * 1024;

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// Kind `environment` when it cannot, for example because another program listens there.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::environment(format!("{address} cannot be listened on"))
                .why(error)
                .hint("choose another address with --listen HOST:PORT, or none with --listen off")
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens; with port 0 given, the port that was found.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub async fn serve(self, board: Arc<Board>, clock: Arc<dyn Clock>) {
        let state = Arc::new(State { board, clock });
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                let refused = Answer::line("503 Service Unavailable", "too many connections");
                // Whether it hears that is its own matter.
                let _ = tokio::time::timeout(ACCEPT_PAUSE, write(&mut stream, &refused, true)).await;
                continue;
            };
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REQUEST_TIMEOUT, serve_one(&mut stream, &state)).await;
                drop(place);
            });
        }
    }
}

/// Reads one request and answers it.
async fn serve_one(stream: &mut TcpStream, state: &State) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    let (answered, with_body) = loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                let (method, path) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
                break (answer(method, path, state), method != "HEAD");
            }
            Ok(httparse::Status::Partial) if head.len() >= HEAD_BYTES_MAX => {
                break (Answer::line("431 Request Header Fields Too Large", "the request is too long"), true);
            }
            Ok(httparse::Status::Partial) => {}
            Err(error) => break (Answer::line("400 Bad Request", &error.to_string()), true),
        }
        let left = (HEAD_BYTES_MAX - head.len()) as u64;
        if (&mut *stream).take(left).read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    };
    write(stream, &answered, with_body).await
}

/// Writes an answer and closes the connection from this side. What the client is still sending is read for a while,
/// since a system that has unread bytes at the end takes the answer back.
async fn write(stream: &mut TcpStream, answer: &Answer, with_body: bool) -> std::io::Result<()> {
    let Answer { status, content_type, body } = answer;
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if with_body {
        text.push_str(body);
    }
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    let mut left = REFUSED_BYTES_MAX;
    while left > 0 {
        match stream.read(&mut rest).await? {
            0 => break,
            bytes => left = left.saturating_sub(bytes),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::AsyncReadExt;

    use millstream_core::SystemClock;

    use super::*;

    async fn start() -> SocketAddr {
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = server.address();
        tokio::spawn(server.serve(Arc::default(), Arc::new(SystemClock)));
        address
    }

    /// Sends and reads to the end.
    async fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The other side may have closed before all of it is sent.
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn get(path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n")
    }

    #[tokio::test]
    async fn paths_are_answered() {
        let address = start().await;
        assert!(ask(address, &get("/healthz")).await.starts_with("HTTP/1.1 200 OK\r\n"));
        let ready = ask(address, &get("/readyz")).await;
        assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("models were not refreshed yet"), "{ready}");
        let metrics = ask(address, &get("/metrics?x=1")).await;
        assert!(metrics.contains("version=0.0.4") && metrics.contains("\nmillstream_ready 0\n"), "{metrics}");
        let head = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(ask(address, &get("/")).await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /healthz HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405"));
        assert!(ask(address, "\x01\x02 no request\r\n\r\n").await.starts_with("HTTP/1.1 400"));
        assert_eq!(ask(address, "").await, "", "who says nothing and goes is told nothing");
    }

    #[tokio::test]
    async fn one_connection_too_many_is_told_to_come_back() {
        let address = start().await;
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            open.push(TcpStream::connect(address).await.unwrap());
        }
        let refused = ask(address, &get("/healthz")).await;
        assert!(refused.starts_with("HTTP/1.1 503") && refused.ends_with("too many connections\n"), "{refused}");
        // At the limit: the last of those that are open is served.
        let mut last = open.pop().unwrap();
        last.write_all(get("/healthz").as_bytes()).await.unwrap();
        last.shutdown().await.unwrap();
        let mut answer = String::new();
        last.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(open);
        while !ask(address, &get("/healthz")).await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_refused() {
        let address = start().await;
        let request = |bytes: usize| {
            let fixed = "GET /healthz HTTP/1.1\r\nX: \r\n\r\n";
            fixed.replace("X: ", &format!("X: {}", "a".repeat(bytes - fixed.len())))
        };
        assert_eq!(request(HEAD_BYTES_MAX).len(), HEAD_BYTES_MAX);
        assert!(ask(address, &request(HEAD_BYTES_MAX)).await.starts_with("HTTP/1.1 200"), "at the limit");
        let refused = ask(address, &request(HEAD_BYTES_MAX + 1)).await;
        assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    }
}
