//! One client: requests are read, carried out and answered one after the other, as the protocol wants it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::api;
use crate::cluster::{Client, Cluster};
use crate::options::MAX_REQUEST_BYTES;
use crate::wire::Head;

/// Serves a client until it leaves or sends what is no request.
pub(crate) async fn serve(stream: TcpStream, cluster: Arc<Cluster>) {
    // Whatever ends a connection is the client's affair: it connects again. There is nobody here to tell.
    let _ = converse(stream, &cluster).await;
}

async fn converse(stream: TcpStream, cluster: &Cluster) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let host = stream.peer_addr()?.ip().to_string();
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    loop {
        let length = usize::try_from(reader.read_i32().await?).unwrap_or(usize::MAX);
        if length > MAX_REQUEST_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut request = Vec::new();
        // Grows as bytes arrive: a length alone makes nobody allocate.
        (&mut reader).take(length as u64).read_to_end(&mut request).await?;
        if request.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut request = Bytes::from(request);
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidData);
        let head = Head::take(&mut request).map_err(invalid)?;
        let client = Client { id: head.client.clone(), host: host.clone() };
        if let Some(answer) = api::serve(cluster, &client, &head, request).await.map_err(invalid)? {
            writer.write_all(&answer).await?;
        }
    }
}
