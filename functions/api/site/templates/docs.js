// Shows Swagger UI in the place of the plain list. Without it, or where it fails, the list stays.
"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const shade = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", shade);
shade();

// Its parts, without a title and a main landmark of their own: the page around them has both.
const PARTS = ["SvgAssets", "errors", "ServersContainer", "AuthorizeBtnContainer", "operations", "Models"];
const asPart = ({ React }) => ({
  components: {
    Part: ({ getComponent, specSelectors }) => {
      const isThere = specSelectors.loadingStatus() === "success";
      const parts = PARTS.map((name) => React.createElement(getComponent(name, true), { key: name }));
      const title = React.createElement("h2", { key: "title" }, "Routes");
      return React.createElement("div", { className: "swagger-ui" }, isThere ? [title, ...parts] : null);
    },
  },
  wrapComponents: {
    // A path stands in the button that unfolds its route: a link in there would be no use to anyone.
    DeepLink: () => ({ text }) => React.createElement("span", null, text),
    CloseIcon: (Icon) => () => [
      React.createElement(Icon, { key: "icon" }),
      React.createElement("span", { key: "name", className: "unseen" }, "Close"),
    ],
    Servers: (Servers) => (given) => React.createElement("div", null,
      React.createElement("label", { key: "name", htmlFor: "servers" }, "Server"),
      React.createElement(Servers, { key: "select", ...given })),
    ExamplesSelect: (Select) => (given) =>
      React.createElement("label", null, "Example: ", React.createElement(Select, given)),
  },
});

SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("reader"),
  plugins: [asPart],
  layout: "Part",
  deepLinking: true,
  syntaxHighlight: false, // its colours are too faint
  validatorUrl: null, // else it would ask another site whether the document is valid
  defaultModelsExpandDepth: 0,
  onComplete: () => { document.getElementById("routes").hidden = true; },
});
