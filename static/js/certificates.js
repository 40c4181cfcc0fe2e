/**
 * The Certificates page: only the fields that have a meaning for how one is made, and PEM texts read from files.
 */

const MOST = 128 * 1024; // characters of a PEM text that are taken
const certificateForm = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-certificate-form]"));

/** @param {HTMLFormElement} form */
function show(form) {
  const how = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("how"))?.value;
  for (const field of form.querySelectorAll("[data-hows]")) {
    const { hows = "" } = /** @type {HTMLElement} */ (field).dataset;
    /** @type {HTMLElement} */ (field).hidden = Boolean(how) && !hows.split(" ").includes(how ?? "");
  }
}

/** @param {HTMLFormElement} form @param {HTMLElement} label */
function readFiles(form, label) {
  const input = /** @type {HTMLInputElement} */ (label.querySelector("input"));
  const place = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem(label.dataset.fileOf ?? ""));
  label.hidden = false;
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    if (file) place.value = await file.slice(0, MOST).text();
    input.value = ""; // the text is what is sent
    place.focus();
  });
}

document.querySelector("[data-made]")?.scrollIntoView();
if (certificateForm) {
  certificateForm.addEventListener("change", () => show(certificateForm));
  for (const label of certificateForm.querySelectorAll("[data-file-of]")) readFiles(certificateForm, /** @type {HTMLElement} */ (label));
  show(certificateForm);
}
