//! The words a developer reads when a call breaks the rule. The contracts are stand-ins of the
//! generated shape, so that nothing but this crate is compiled; tests/architecture asserts the same
//! of every real client.

#[test]
fn the_compiler_says_who_may_call_whom() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/rule/process_calls_system.rs");
    cases.compile_fail("tests/rule/experience_calls_system.rs");
    cases.compile_fail("tests/rule/system_calls_system.rs");
    cases.compile_fail("tests/rule/system_calls_process.rs");
    cases.compile_fail("tests/rule/invented_layer.rs");
}
