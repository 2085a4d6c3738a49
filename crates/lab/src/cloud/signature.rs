//! Verifies AWS Signature Version 4, by a computation of its own: the client under test signs with
//! another one.

use sha2::{Digest, Sha256};

use super::{form, http::Request, vault::Vault};

/// A request may be off by so many seconds.
const SKEW: i64 = 15 * 60;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) access_key: String,
    pub(super) allowed: Vec<String>,
}

impl Signer {
    /// Whether it may do `ec2:…`.
    pub(super) fn may(&self, action: &str) -> bool {
        let service = action.split(':').next().unwrap_or_default();
        let all = format!("{service}:*");
        let mut allowed = self.allowed.iter();
        allowed.any(|each| each == action || *each == all || each == "*")
    }
}

/// Why a signature is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offence {
    /// There is no signature.
    Unsigned,
    /// It cannot be understood, or something that must be signed is not.
    Incomplete(&'static str),
    /// The key is unknown, the secret or the session token another, or the request was changed.
    Wrong,
    /// It was signed too long ago, or with a key that is good no longer.
    Expired,
}

/// What a signature must be made for.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Verifies the signature of a request.
pub(super) fn verify(
    request: &Request,
    scope: &Scope<'_>,
    vault: &Vault,
) -> Result<Signer, Offence> {
    if !request.has("authorization") {
        return Err(Offence::Unsigned);
    }
    let claim = Claim::read(request)?;
    claim.covers(request)?;
    claim.is_for(scope)?;
    let token = request.header("x-amz-security-token");
    let key = vault.find(&claim.access_key, token).ok_or(Offence::Wrong)?;
    let ours = claim.signature_with(&key.secret, request)?;
    if ours != claim.signature {
        return Err(Offence::Wrong);
    }
    if key.has_expired() {
        return Err(Offence::Expired);
    }
    Ok(Signer {
        access_key: claim.access_key,
        allowed: key.allowed.clone(),
    })
}

/// The access key in a request's header, whether or not it is good.
pub(super) fn claimed_key(request: &Request) -> String {
    Claim::read(request).map_or_else(|_| String::new(), |claim| claim.access_key)
}

/// What the `Authorization` header says.
struct Claim {
    access_key: String,
    date: String,
    region: String,
    service: String,
    signed: Vec<String>,
    signature: String,
    /// `20261122T101112Z`.
    time: String,
}

impl Claim {
    fn read(request: &Request) -> Result<Self, Offence> {
        let malformed = Offence::Incomplete("The Authorization header cannot be understood.");
        let header = request.header("authorization").ok_or(malformed)?;
        let fields = header.strip_prefix(ALGORITHM).ok_or(malformed)?;
        let field = |name: &str| {
            let mut parts = fields.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let credential = field("Credential").ok_or(malformed)?;
        let [access_key, date, region, service, "aws4_request"] =
            credential.split('/').collect::<Vec<_>>()[..]
        else {
            return Err(malformed);
        };
        let signed = field("SignedHeaders").ok_or(malformed)?;
        let time = request.header("x-amz-date");
        let no_time = Offence::Incomplete("There is no X-Amz-Date.");
        Ok(Self {
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed: signed.split(';').map(str::to_owned).collect(),
            signature: field("Signature").ok_or(malformed)?.to_owned(),
            time: time.ok_or(no_time)?.to_owned(),
        })
    }

    /// Whether what must be signed is: `host`, the content's type, and all of Amazon's own.
    fn covers(&self, request: &Request) -> Result<(), Offence> {
        let must =
            |name: &str| name == "host" || name == "content-type" || name.starts_with("x-amz-");
        let is_signed = |name: &str| self.signed.iter().any(|each| each == name);
        let mut names = request
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase());
        if names.any(|name| must(&name) && !is_signed(&name)) || !is_signed("host") {
            return Err(Offence::Incomplete("A header that must be signed is not."));
        }
        if !self.signed.is_sorted() {
            return Err(Offence::Incomplete("SignedHeaders are not in order."));
        }
        Ok(())
    }

    fn is_for(&self, scope: &Scope<'_>) -> Result<(), Offence> {
        if self.region != scope.region || self.service != scope.service {
            return Err(Offence::Wrong);
        }
        if !self.time.starts_with(&self.date) {
            return Err(Offence::Wrong);
        }
        let signed_at = seconds(&self.time).ok_or(Offence::Incomplete("X-Amz-Date is no time."))?;
        if (scope.now - signed_at).abs() > SKEW {
            return Err(Offence::Expired);
        }
        Ok(())
    }

    fn signature_with(&self, secret: &str, request: &Request) -> Result<String, Offence> {
        let canonical = self.canonical(request)?;
        let scope = format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        );
        let text = format!(
            "{ALGORITHM}\n{}\n{scope}\n{}",
            self.time,
            digest(canonical.as_bytes())
        );
        let mut key = hmac(format!("AWS4{secret}").as_bytes(), self.date.as_bytes());
        for part in [self.region.as_str(), self.service.as_str(), "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        Ok(hex(&hmac(&key, text.as_bytes())))
    }

    fn canonical(&self, request: &Request) -> Result<String, Offence> {
        let payload = digest(&request.body);
        if let Some(said) = request.header("x-amz-content-sha256")
            && said != payload
        {
            return Err(Offence::Wrong);
        }
        let mut headers = String::new();
        for name in &self.signed {
            let absent = Offence::Incomplete("A signed header is absent.");
            let value = request.header(name).ok_or(absent)?;
            let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
            headers.push_str(&format!("{name}:{}\n", words.join(" ")));
        }
        let query = canonical_query(&request.query)?;
        Ok([
            request.method.as_str(),
            request.path.as_str(),
            &query,
            &headers,
            &self.signed.join(";"),
            &payload,
        ]
        .join("\n"))
    }
}

fn canonical_query(query: &str) -> Result<String, Offence> {
    let malformed = Offence::Incomplete("The query cannot be decoded.");
    let pairs = form::decode(query).ok_or(malformed)?;
    let encode = |(name, value): &(String, String)| (form::encode(name), form::encode(value));
    let mut pairs: Vec<_> = pairs.iter().map(encode).collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(pairs.join("&"))
}

/// `20261122T101112Z` as seconds since 1970.
fn seconds(time: &str) -> Option<i64> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    let zoned = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut padded = [0; BLOCK];
    if key.len() > BLOCK {
        padded[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        padded[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new()
        .chain_update(padded.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(padded.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let case = |key: &[u8], message: &[u8]| hex(&hmac(key, message));
        assert_eq!(
            case(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            case(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    /// The example of AWS's page on deriving a signing key and signing (IAM user guide,
    /// `ListUsers` with GET).
    #[test]
    fn the_documented_example_verifies() {
        let mut vault = Vault::default();
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        vault.add("AKIDEXAMPLE", secret, None, &["iam:ListUsers"]);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut request = Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: "Action=ListUsers&Version=2010-05-08".to_owned(),
            headers: vec![
                header("Host", "iam.amazonaws.com"),
                header(
                    "Content-Type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                header("X-Amz-Date", "20150830T123600Z"),
                header(
                    "Authorization",
                    "AWS4-HMAC-SHA256 \
                     Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date, \
                     Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
                ),
            ],
            body: Vec::new(),
        };
        let scope = Scope {
            region: "us-east-1",
            service: "iam",
            now: 1_440_938_160,
        };
        let signer = verify(&request, &scope, &vault).unwrap();
        assert!(signer.may("iam:ListUsers"));
        assert!(!signer.may("iam:DeleteUser"));
        let late = Scope {
            now: scope.now + SKEW + 1,
            ..scope
        };
        assert_eq!(verify(&request, &late, &vault), Err(Offence::Expired));
        request.query.push_str("&MaxItems=1");
        assert_eq!(verify(&request, &scope, &vault), Err(Offence::Wrong));
    }
}
