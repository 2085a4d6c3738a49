//! moto, which is EC2, IAM and STS in one program: an EC2 that we have not written ourselves.
//!
//! It checks signatures and policies once it is told to ([`Account::guard`]). What it does not know
//! (throttling, lag, strict metadata) the fake of [`crate::cloud`] does.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use crate::{
    needs::{self, Need},
    problem::{Problem, Result, Trying},
    program::Program,
    wait,
};

/// The program that a test has to need.
pub const NEED: Need = Need::PythonProgram("moto_server");

/// It imports half of Python's packages first.
const START: Duration = Duration::from_secs(60);

/// A running moto.
#[derive(Debug)]
pub struct Moto {
    _program: Program,
    account: Account,
}

impl Moto {
    /// Starts it on a port of loopback of its own choice, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed or does not answer.
    pub fn start() -> Result<Self> {
        let path = needs::find("moto_server")
            .ok_or_else(|| Problem::Unexpected("moto_server is not installed".into()))?;
        let mut command = Command::new(path);
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let program = Program::start(&mut command)?;
        let address = wait::until("moto to listen", START, || {
            program.output().iter().find_map(|line| listening(line))
        });
        let address = address.map_err(|problem| {
            let said = program.output().join("\n");
            Problem::Unexpected(format!("{problem}; it said:\n{said}"))
        })?;
        Ok(Self {
            _program: program,
            account: Account::at(address),
        })
    }

    /// What it serves.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }
}

/// The address in `* Running on http://127.0.0.1:38395`.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("Running on http://")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The one account that a moto serves, in `eu-west-1`, in the hands of whoever owns it.
#[derive(Debug, Clone)]
pub struct Account {
    address: SocketAddr,
}

/// An instance with one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// `eni-…`.
    pub interface: String,
    /// Its first private address.
    pub private: Ipv4Addr,
}

/// Somebody's pair of keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `AKIA…`.
    pub access: String,
    /// The secret key.
    pub secret: String,
}

impl Account {
    /// That of the moto which listens there.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where EC2, IAM and STS are.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A network, `10.0.0.0/16`, with a subnet in it, `10.0.1.0/24`: its number.
    ///
    /// # Errors
    /// moto refuses.
    pub fn subnet(&self) -> Result<String> {
        let vpc = self.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])?;
        let vpc = element(&vpc, "vpcId")?;
        let parameters = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
        let subnet = self.ec2("CreateSubnet", &parameters)?;
        element(&subnet, "subnetId")
    }

    /// An instance with this private address.
    ///
    /// # Errors
    /// moto refuses.
    pub fn instance(&self, subnet: &str, private: Ipv4Addr) -> Result<Instance> {
        let address = private.to_string();
        let parameters = [
            ("ImageId", "ami-12c6146b"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SubnetId", subnet),
            ("PrivateIpAddress", &address),
        ];
        let answer = self.ec2("RunInstances", &parameters)?;
        Ok(Instance {
            id: element(&answer, "instanceId")?,
            interface: element(&answer, "networkInterfaceId")?,
            private,
        })
    }

    /// An Elastic IP that nobody has: its allocation.
    ///
    /// # Errors
    /// moto refuses.
    pub fn allocate(&self, public: Ipv4Addr) -> Result<String> {
        let address = public.to_string();
        let parameters = [("Domain", "vpc"), ("Address", &address)];
        let answer = self.ec2("AllocateAddress", &parameters)?;
        element(&answer, "allocationId")
    }

    /// A user with keys, who may do what `actions` says and nothing else.
    ///
    /// # Errors
    /// moto refuses.
    pub fn user(&self, name: &str, actions: &[&str]) -> Result<Keys> {
        let user = [("UserName", name)];
        self.iam("CreateUser", &user)?;
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{}"],"Resource":"*"}}]}}"#,
            actions.join(r#"",""#)
        );
        let parameters = [
            ("UserName", name),
            ("PolicyName", "floating-ip"),
            ("PolicyDocument", &policy),
        ];
        self.iam("PutUserPolicy", &parameters)?;
        let answer = self.iam("CreateAccessKey", &user)?;
        Ok(Keys {
            access: element(&answer, "AccessKeyId")?,
            secret: element(&answer, "SecretAccessKey")?,
        })
    }

    /// From here on every signature and every policy is checked; whoever calls needs keys.
    ///
    /// # Errors
    /// moto refuses.
    pub fn guard(&self) -> Result<()> {
        self.authorize_after("0")
    }

    /// From here on nothing is checked.
    ///
    /// # Errors
    /// moto refuses.
    pub fn unguard(&self) -> Result<()> {
        self.authorize_after("inf")
    }

    /// The private address that has a public one, as DescribeAddresses tells it. The account must
    /// not be guarded.
    ///
    /// # Errors
    /// moto refuses.
    pub fn holder(&self, public: Ipv4Addr) -> Result<Option<Ipv4Addr>> {
        let public = public.to_string();
        let answer = self.ec2("DescribeAddresses", &[("PublicIp.1", &public)])?;
        Ok(element(&answer, "privateIpAddress")
            .ok()
            .and_then(|address| address.parse().ok()))
    }

    fn authorize_after(&self, actions: &str) -> Result<()> {
        let head = "Content-Type: text/plain\r\n";
        self.post("/moto-api/reset-auth", head, actions).map(drop)
    }

    fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        self.call("ec2", "2016-11-15", action, parameters)
    }

    fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        self.call("iam", "2010-05-08", action, parameters)
    }

    /// Where signatures are not checked, the region and the service are read from them all the same.
    fn call(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let head = format!(
            "Content-Type: application/x-www-form-urlencoded\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=owner/20260101/eu-west-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\n"
        );
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", escaped(value)));
        }
        self.post("/", &head, &body)
    }

    fn post(&self, path: &str, head: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address).trying("connect to moto")?;
        stream
            .set_read_timeout(Some(START))
            .trying("limit the time of an answer")?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).trying("ask moto")?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .trying("read moto's answer")?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(answer);
        }
        Err(Problem::Unexpected(format!(
            "moto answers {path} {body} with {answer}"
        )))
    }
}

/// The text of the first element of that name that has any.
fn element(xml: &str, name: &str) -> Result<String> {
    let text = || {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once("</")?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    text().ok_or_else(|| Problem::Unexpected(format!("no {name} in moto's answer {xml}")))
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}
