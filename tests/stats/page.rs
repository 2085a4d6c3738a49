//! The page in a real browser.

use pontoon_lab::{balancer::Kind, client::Client, needs::Need, wait};

use super::{Peers, Site, browser::Browser, web};
use crate::harness::{Failure, Outcome, Test};

/// Adds the tests that need a browser.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let in_browser = [
        (
            "stats::the_page_is_live",
            the_page_is_live as fn() -> Outcome,
        ),
        ("stats::the_page_fits_a_phone", the_page_fits_a_phone),
        ("stats::the_page_changes_servers", the_page_changes_servers),
    ];
    for (name, run) in in_browser {
        let test = Test::new(name, run).needs(Need::Program("chromium"));
        tests.push(test.needs(Need::Program("chromedriver")));
    }
}

fn open(width: u32, height: u32) -> Result<(Peers, Site, Browser), Failure> {
    let peers = Peers::start()?;
    let site = Site::start(Kind::Pontoon, &peers)?;
    let browser = Browser::start(width, height)?;
    browser.open(&format!("http://admin:secret@{}/stats", site.statistics))?;
    Ok((peers, site, browser))
}

/// A page that scripts or its own policy stopped somewhere complains in the console.
fn is_content(browser: &Browser) -> Outcome {
    let complaints = browser.complaints()?;
    let none = complaints.as_array().is_some_and(Vec::is_empty);
    if none {
        Ok(())
    } else {
        Err(complaints.to_string().into())
    }
}

const SESSIONS_NOW: &str =
    "document.getElementById('lst/s1').querySelector('[data-l=\"Sessions now\"]').textContent";

fn the_page_is_live() -> Outcome {
    let (_peers, site, browser) = open(1440, 1000)?;
    browser.wait_for(&format!("return {SESSIONS_NOW} === '0'"))?;
    browser.run(
        "window.mark = document.getElementById('be/up').querySelector('input');
         window.mark.checked = true;",
    )?;
    let mut client = Client::connect(site.listens)?;
    client.send(b"x")?;
    browser.wait_for(&format!("return {SESSIONS_NOW} === '1'"))?;
    drop(client);
    browser.wait_for(&format!("return {SESSIONS_NOW} === '0'"))?;
    let kept = browser.run("return window.mark.isConnected && window.mark.checked")?;
    assert_eq!(
        kept, true,
        "the page was not reloaded, and what was ticked stays"
    );
    let hidden = browser.run(
        "return [...document.querySelectorAll('tbody td, tbody th')]
             .every((cell) => cell.textContent !== 'undefined')",
    )?;
    assert_eq!(hidden, true);
    is_content(&browser)
}

fn the_page_fits_a_phone() -> Outcome {
    let (_peers, _site, browser) = open(390, 844)?;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme)?;
        let width = browser.run("return document.documentElement.scrollWidth")?;
        assert_eq!(width, 390, "{scheme}");
    }
    let dark = browser.run("return getComputedStyle(document.body).backgroundColor")?;
    assert_eq!(dark, "rgb(15, 20, 25)");
    assert!(browser.picture()?.len() > 1000);
    is_content(&browser)
}

fn the_page_changes_servers() -> Outcome {
    let (_peers, site, browser) = open(1440, 1000)?;
    browser.run(
        "const row = document.getElementById('be/up');
         row.querySelector('input').checked = true;
         const form = row.closest('form');
         form.querySelector('select').value = 'drain';
         form.requestSubmit();",
    )?;
    browser.wait_for("return location.href.endsWith('/stats;st=DONE')")?;
    browser.wait_for("return !!document.querySelector('.outcome.active_up')")?;
    wait::until("the server to drain", wait::PATIENCE, || {
        let rows = web::rows(site.statistics).ok()?;
        (rows.get("be/up")?.get("status")? == "DRAIN").then_some(())
    })?;
    is_content(&browser)
}
