import { render } from "preact";
import { App } from "./screens/App";
import { begin } from "./state/session";
import "./state/theme";

const root = document.getElementById("app");
if (root) render(<App />, root);
void begin();
