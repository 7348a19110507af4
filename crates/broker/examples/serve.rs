//! Runs a broker until standard input ends: `cargo run -p millstream-broker --example serve -- [PORT] [FOLDER]`

use std::error::Error;
use std::io::Read;

use millstream_broker::{Broker, BrokerOptions, Topic};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(9092), |text| text.parse())?;
    let broker = Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], port).into(),
        advertised: None,
        topics: vec![Topic { name: "transactions".into(), partitions: 3 }],
        data_dir: arguments.next().map(Into::into),
    })?;
    println!("{}", broker.bootstrap());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    broker.shutdown()?;
    Ok(())
}
