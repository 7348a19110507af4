//! `millstream deps`: packages of every kind, the lock, and what is wrong with them. Everything is on this machine: git
//! repositories in folders, a hub in a folder.

use std::path::Path;
use std::process::Command;

use crate::support::Scene;

/// A package with one macro that says `text`.
fn package(scene: &Scene, folder: &str, name: &str, text: &str) {
    scene.write(&format!("{folder}/dbt_project.yml"), format!("name: {name}\nversion: '1.0'\n"));
    scene.write(&format!("{folder}/macros/say.sql"), format!("{{% macro say() %}}{text}{{% endmacro %}}\n"));
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this machine has no git. Then what is left to see is that it is told.
fn is_without_git(scene: &Scene) -> bool {
    if Command::new("git").arg("--version").output().is_ok() {
        return false;
    }
    scene.write("packages.yml", "packages:\n  - git: repo\n    revision: v1\n");
    let ran = scene.run(&["deps"]);
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(ran.stderr.contains("the program git cannot be run"), "{}", ran.told());
    true
}

/// A repository with a version that is tagged `v1` and a newer one on the branch `main`.
fn repository(scene: &Scene, folder: &str, name: &str) {
    package(scene, folder, name, "one");
    let path = scene.path().join(folder);
    git(&path, &["init", "--quiet"]);
    git(&path, &["add", "."]);
    git(&path, &["commit", "--quiet", "-m", "one"]);
    git(&path, &["tag", "v1"]);
    package(scene, folder, name, "two");
    git(&path, &["commit", "--quiet", "-am", "two"]);
}

/// A tarball of a folder, as `tar -czf` makes it.
fn tarball(scene: &Scene, folder: &str, file: &str) {
    let (parent, name) = folder.rsplit_once('/').unwrap_or((".", folder));
    let status = Command::new("tar")
        .current_dir(scene.path().join(parent))
        .args(["-czf", &scene.path().join(file).display().to_string(), name])
        .status()
        .unwrap();
    assert!(status.success());
}

/// What `{{ package.say() }}` renders to.
fn said(scene: &Scene, package: &str) -> String {
    scene.write("models/said.sql", format!("select '{{{{ {package}.say() }}}}' as said\n"));
    scene.must(&["compile", "--select", "said"]);
    scene.read("target/compiled/small/models/said.sql").trim().to_owned()
}

#[test]
fn packages_of_every_kind_are_installed_and_locked() {
    let scene = Scene::small();
    if is_without_git(&scene) {
        return;
    }
    package(&scene, "shared/local_one", "local_one", "local");
    scene.write("shared/local_one/packages.yml", "packages:\n  - local: shared/below\n");
    package(&scene, "shared/below", "below", "below");
    repository(&scene, "shared/repo", "from_git");
    package(&scene, "shared/packed", "packed", "packed");
    tarball(&scene, "shared/packed", "packed.tgz");
    scene.write(
        "packages.yml",
        "packages:\n  - local: shared/local_one\n  - git: shared/repo\n    revision: v1\n  - tarball: packed.tgz\n    name: packed\n",
    );
    let ran = scene.must(&["deps"]);
    for name in ["local_one", "below", "from_git", "packed"] {
        assert!(ran.stderr.contains(&format!("installed {name} from ")), "{}", ran.told());
        assert!(scene.path().join("dbt_packages").join(name).join("dbt_project.yml").is_file(), "{name}");
    }
    assert!(!scene.path().join("dbt_packages/from_git/.git").exists());
    assert!(!scene.path().join(".millstream-deps").exists(), "no scratch is left");
    assert_eq!(said(&scene, "from_git"), "select 'one' as said");
    assert_eq!(said(&scene, "below"), "select 'below' as said");
    assert_eq!(said(&scene, "packed"), "select 'packed' as said");
    let lock = scene.read("package-lock.yml");
    assert!(lock.contains("  - local: shared/local_one\n    name: local_one\n"), "{lock}");
    assert!(lock.contains("    name: from_git\n    revision: "), "{lock}");
    // Nothing was declared anew: the lock stays, and what is installed comes from it.
    scene.must(&["deps"]);
    assert_eq!(scene.read("package-lock.yml"), lock);
}

#[test]
fn the_lock_keeps_a_branch_where_it_was_until_it_is_upgraded() {
    let scene = Scene::small();
    if is_without_git(&scene) {
        return;
    }
    repository(&scene, "repo", "from_git");
    scene.write("packages.yml", "packages:\n  - git: repo\n");
    let ran = scene.must(&["deps"]);
    assert!(ran.stderr.contains("repo is not pinned"), "{}", ran.told());
    assert_eq!(said(&scene, "from_git"), "select 'two' as said");
    package(&scene, "repo", "from_git", "three");
    git(&scene.path().join("repo"), &["commit", "--quiet", "-am", "three"]);
    scene.must(&["deps"]);
    assert_eq!(said(&scene, "from_git"), "select 'two' as said");
    scene.must(&["deps", "--upgrade"]);
    assert_eq!(said(&scene, "from_git"), "select 'three' as said");
    // A declaration that changes is resolved without being asked.
    scene.write("packages.yml", "packages:\n  - git: repo\n    revision: v1\n");
    scene.must(&["deps", "--lock"]);
    assert_eq!(said(&scene, "from_git"), "select 'three' as said", "--lock installs nothing");
    scene.must(&["deps"]);
    assert_eq!(said(&scene, "from_git"), "select 'one' as said");
}

#[test]
fn a_package_may_be_a_folder_of_a_repository() {
    let scene = Scene::small();
    if is_without_git(&scene) {
        return;
    }
    scene.write("repo/README.md", "not a package");
    package(&scene, "repo/inner", "inner", "inner");
    git(&scene.path().join("repo"), &["init", "--quiet"]);
    git(&scene.path().join("repo"), &["add", "."]);
    git(&scene.path().join("repo"), &["commit", "--quiet", "-m", "one"]);
    let url = format!("file://{}", scene.path().join("repo").display());
    scene.write(
        "dependencies.yml",
        format!("packages:\n  - git: \"{url}\"\n    subdirectory: inner\n    warn-unpinned: false\n"),
    );
    let ran = scene.must(&["deps"]);
    assert!(!ran.stderr.contains("not pinned"), "{}", ran.told());
    assert_eq!(said(&scene, "inner"), "select 'inner' as said");
    scene.write("dependencies.yml", format!("packages:\n  - git: \"{url}\"\n    subdirectory: ../inner\n"));
    let ran = scene.run(&["deps"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("leads out of the repository"), "{}", ran.told());
}

/// A hub in a folder with versions of `acme/tools`.
fn hub(scene: &Scene, versions: &[&str]) -> String {
    let mut listed = Vec::new();
    for version in versions {
        let folder = format!("build/tools-{version}");
        package(scene, &folder, "tools", version);
        let file = format!("tools-{version}.tgz");
        tarball(scene, &folder, &file);
        let requires = if version.starts_with("9.") { "[\">=99.0.0\"]" } else { "[\">=1.0.0\", \"<2.0.0\"]" };
        listed.push(format!(
            "\"{version}\": {{\"require_dbt_version\": {requires}, \"downloads\": {{\"tarball\": \"{}\"}}}}",
            scene.path().join(&file).display()
        ));
    }
    scene.write("hub/api/v1/acme/tools.json", format!("{{\"versions\": {{{}}}}}", listed.join(", ")));
    format!("file://{}/hub", scene.path().display())
}

#[test]
fn the_newest_version_in_the_range_comes_from_the_hub() {
    let scene = Scene::small();
    let hub = hub(&scene, &["0.9.0", "1.0.0", "1.2.0", "1.10.1", "2.0.0", "3.0.0-rc1", "9.0.0"]);
    let variables = [("DBT_PACKAGE_HUB_URL", hub.as_str())];
    for (version, chosen) in [
        ("[\">=1.0.0\", \"<2.0.0\"]", "1.10.1"),
        ("1.2.0", "1.2.0"),
        ("\">=0.1.0,<1.0.0\"", "0.9.0"),
        ("\">=1.0.0\"", "2.0.0"),
        ("\">=3.0.0-rc1\"", "3.0.0-rc1"),
    ] {
        scene.write("packages.yml", format!("packages:\n  - package: acme/tools\n    version: {version}\n"));
        let ran = scene.run_with(&["deps"], &variables);
        assert_eq!(ran.code, 0, "{version}: {}", ran.told());
        assert_eq!(said(&scene, "tools"), format!("select '{chosen}' as said"), "{version}");
        assert!(scene.read("package-lock.yml").contains(&format!("version: {chosen}\n")));
    }
    scene.write("packages.yml", "packages:\n  - package: acme/tools\n    version: \">=5.0.0\"\n");
    let ran = scene.run_with(&["deps"], &variables);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("no version of acme/tools is in the range >=5.0.0"), "{}", ran.told());
    assert!(ran.stderr.contains("versions that there are: 0.9.0, 1.0.0, 1.2.0"), "{}", ran.told());
    // What was installed before is still there.
    assert_eq!(said(&scene, "tools"), "select '3.0.0-rc1' as said");
}

#[test]
fn two_ranges_of_one_package_choose_one_version() {
    let scene = Scene::small();
    let hub = hub(&scene, &["1.0.0", "1.5.0", "2.0.0"]);
    package(&scene, "other", "other", "other");
    scene.write("other/packages.yml", "packages:\n  - package: acme/tools\n    version: \"<1.5.0\"\n");
    scene.write("packages.yml", "packages:\n  - package: acme/tools\n    version: \">=1.0.0\"\n  - local: other\n");
    let ran = scene.run_with(&["deps"], &[("DBT_PACKAGE_HUB_URL", hub.as_str())]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(said(&scene, "tools"), "select '1.0.0' as said");
}

#[test]
fn without_a_network_the_hub_is_an_error_of_the_machine() {
    let scene = Scene::small();
    scene.write("packages.yml", "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n");
    // A port on which nobody listens.
    let ran = scene.run_with(&["deps"], &[("DBT_PACKAGE_HUB_URL", "http://127.0.0.1:9/")]);
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(ran.stderr.contains("cannot be reached"), "{}", ran.told());
    assert!(
        ran.stderr.contains("has dbt_utils built in") || ran.stderr.contains("has dbt-labs/dbt_utils built in"),
        "{}",
        ran.told()
    );
    assert!(!scene.path().join("package-lock.yml").exists() && !scene.path().join("dbt_packages").exists());
    if is_without_git(&scene) {
        return;
    }
    scene.write("packages.yml", "packages:\n  - git: https://127.0.0.1:9/a.git\n    revision: v1\n");
    let ran = scene.run(&["deps"]);
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(ran.stderr.contains("https://127.0.0.1:9/a.git cannot be cloned"), "{}", ran.told());
}

#[test]
fn contradictions_are_told_and_change_nothing() {
    let scene = Scene::small();
    if is_without_git(&scene) {
        return;
    }
    repository(&scene, "repo", "from_git");
    package(&scene, "a", "twin", "a");
    package(&scene, "b", "twin", "b");
    package(&scene, "self", "small", "self");
    package(&scene, "wants", "wants", "x");
    scene.write("wants/packages.yml", "packages:\n  - git: repo.git\n    revision: main\n");
    for (packages, told) in [
        ("  - local: a\n  - local: b\n", "two packages are called 'twin'"),
        ("  - local: self\n", "as the project itself"),
        ("  - git: repo\n    revision: v1\n  - local: wants\n", "is wanted at 'v1' and at 'main'"),
        ("  - git: repo\n    revision: v9\n", "has no revision 'v9'"),
        ("  - local: nowhere\n", "'nowhere' holds no dbt_project.yml"),
        ("  - package: acme/tools\n", "has no 'version'"),
        ("  - colour: red\n", "needs 'local', 'package', 'git' or 'tarball'"),
        ("  - local: a\n    revision: v1\n", "'revision' is not a key of this kind of package"),
        ("  - tarball: x.tgz\n", "needs a 'name'"),
    ] {
        scene.write("packages.yml", format!("packages:\n{packages}"));
        let ran = scene.run(&["deps"]);
        assert_eq!(ran.code, 1, "{packages}: {}", ran.told());
        assert!(ran.stderr.contains(told), "{packages}: {}", ran.told());
        assert!(
            ran.stderr.contains("packages.yml:") || told.contains("called") || told.contains("itself"),
            "{}",
            ran.told()
        );
        assert!(!scene.path().join("dbt_packages").exists() && !scene.path().join("package-lock.yml").exists());
    }
}

#[test]
fn a_package_is_added_and_the_rest_of_the_file_stays() {
    let scene = Scene::small();
    let hub = hub(&scene, &["1.0.0", "1.2.0"]);
    let variables = [("DBT_PACKAGE_HUB_URL", hub.as_str())];
    package(&scene, "shared", "shared", "shared");
    scene.write(
        "packages.yml",
        "# ours\npackages:\n  # the old one\n  - package: acme/tools\n    version: 1.0.0\n\nextra: 1\n",
    );
    let ran = scene.run_with(&["deps", "--add-package", "acme/tools@>=1.0.0,<2.0.0"], &variables);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(
        scene.read("packages.yml"),
        "# ours\npackages:\n  # the old one\n  - package: acme/tools\n    version: [\">=1.0.0\", \"<2.0.0\"]\n\nextra: 1\n"
    );
    let ran = scene.run_with(&["deps", "--add-package", "shared", "--source", "local"], &variables);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(said(&scene, "shared"), "select 'shared' as said");
    let ran = scene.run(&["deps", "--add-package", "acme/other"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    assert!(ran.stderr.contains("names no version"), "{}", ran.told());
    let bare = Scene::small();
    package(&bare, "shared", "shared", "shared");
    bare.must(&["deps", "--add-package", "shared", "--source", "local"]);
    assert_eq!(bare.read("packages.yml"), "packages:\n  - local: shared\n");
}

#[test]
fn a_folder_of_something_else_is_not_replaced() {
    let scene = Scene::small();
    package(&scene, "shared", "shared", "shared");
    scene.write("dbt_packages/notes.txt", "mine");
    scene.write("packages.yml", "packages:\n  - local: shared\n");
    let ran = scene.run(&["deps"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("holds 'notes.txt', which is no package"), "{}", ran.told());
    assert_eq!(scene.read("dbt_packages/notes.txt"), "mine");
}

#[test]
fn a_run_that_died_half_way_is_put_right_by_the_next_one() {
    let scene = Scene::small();
    package(&scene, "shared", "shared", "shared");
    scene.write("packages.yml", "packages:\n  - local: shared\n");
    scene.must(&["deps"]);
    // As if it had died between the two renames, with the next folder half made.
    std::fs::rename(scene.path().join("dbt_packages"), scene.path().join(".dbt_packages.old")).unwrap();
    scene.write(".dbt_packages.next/half/x", "x");
    scene.must(&["deps"]);
    assert_eq!(said(&scene, "shared"), "select 'shared' as said");
    assert!(!scene.path().join(".dbt_packages.old").exists() && !scene.path().join(".dbt_packages.next").exists());
}
