//! What an agent check of another balancer is told (HAProxy configuration manual, `agent-check`).

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::condition::Condition;
use crate::state::Running;

/// How long somebody who asks may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of `agent-send` at most; they tell us nothing.
const LONGEST: u64 = 4096;

/// Says one line and closes.
pub(super) async fn answer(running: Arc<Running>, mut stream: TcpStream) {
    let _debt = running.process.owed.owe();
    let words = words(Condition::of(&running));
    let say = async {
        stream.write_all(words.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing over what was sent to us would reset the connection under the answer.
        let (mut rest, _) = stream.split();
        let mut sink = tokio::io::sink();
        tokio::io::copy(&mut (&mut rest).take(LONGEST), &mut sink).await
    };
    let _gone = timeout(PATIENCE, say).await;
}

/// `ready` takes back an earlier `drain`, `up` an earlier `down`: balancers keep both until they
/// hear otherwise.
const fn words(condition: Condition) -> &'static str {
    match condition {
        Condition::Serving => "ready up\n",
        Condition::Stopping => "drain\n",
        Condition::NoServer => "ready down #no usable server\n",
    }
}
