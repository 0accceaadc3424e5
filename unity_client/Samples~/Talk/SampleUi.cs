using System;
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.EventSystems;
using UnityEngine.UI;

namespace DialogueServer.Samples
{
    /// <summary>A canvas and a few widgets on it. Places are fractions of the parent, from bottom left.</summary>
    internal sealed class SampleUi
    {
        private readonly RectTransform _canvas;
        private readonly Font _font;

        public SampleUi(Transform parent)
        {
#if UNITY_2022_2_OR_NEWER
            _font = Resources.GetBuiltinResource<Font>("LegacyRuntime.ttf");
#else
            _font = Resources.GetBuiltinResource<Font>("Arial.ttf");
#endif
            GameObject home = Rect("Canvas", parent, 0f, 0f, 1f, 1f).gameObject;
            home.AddComponent<Canvas>().renderMode = RenderMode.ScreenSpaceOverlay;
            var scaler = home.AddComponent<CanvasScaler>();
            scaler.uiScaleMode = CanvasScaler.ScaleMode.ScaleWithScreenSize;
            scaler.referenceResolution = new Vector2(960f, 540f);
            home.AddComponent<GraphicRaycaster>();
            _canvas = (RectTransform)home.transform;
            if (EventSystem.current == null) AddEventSystem(parent);
        }

        public RectTransform Panel(float left, float bottom, float right, float top)
        {
            RectTransform rect = Rect("Panel", _canvas, left, bottom, right, top);
            rect.gameObject.AddComponent<Image>().color = new Color(0f, 0f, 0f, 0.4f);
            return rect;
        }

        public Text Label(float left, float bottom, float right, float top) =>
            Text(Rect("Text", _canvas, left, bottom, right, top), "");

        public InputField Input(float left, float bottom, float right, float top, string hint)
        {
            RectTransform rect = Rect("Input", _canvas, left, bottom, right, top);
            rect.gameObject.AddComponent<Image>().color = Color.white;
            var input = rect.gameObject.AddComponent<InputField>();
            input.textComponent = Text(Rect("Text", rect, 0.01f, 0f, 0.99f, 1f), "");
            input.textComponent.color = Color.black;
            Text placeholder = Text(Rect("Hint", rect, 0.01f, 0f, 0.99f, 1f), hint);
            placeholder.color = Color.gray;
            input.placeholder = placeholder;
            return input;
        }

        public GameObject Button(
            RectTransform parent, float left, float bottom, float right, float top, string text, Action clicked)
        {
            RectTransform rect = Rect(text, parent, left, bottom, right, top);
            var image = rect.gameObject.AddComponent<Image>();
            image.color = new Color(0.2f, 0.3f, 0.4f, 1f);
            var button = rect.gameObject.AddComponent<Button>();
            button.targetGraphic = image;
            button.onClick.AddListener(() => clicked());
            Text(Rect("Text", rect, 0.03f, 0f, 0.97f, 1f), text);
            return rect.gameObject;
        }

        public void Clear(List<GameObject> widgets)
        {
            foreach (GameObject widget in widgets) UnityEngine.Object.Destroy(widget);
            widgets.Clear();
        }

        private Text Text(RectTransform rect, string content)
        {
            var text = rect.gameObject.AddComponent<Text>();
            text.font = _font;
            text.fontSize = 18;
            text.color = Color.white;
            text.alignment = TextAnchor.MiddleLeft;
            text.supportRichText = false; // what a model writes is text
            text.text = content;
            return text;
        }

        private static RectTransform Rect(
            string name, Transform parent, float left, float bottom, float right, float top)
        {
            var home = new GameObject(name, typeof(RectTransform));
            home.transform.SetParent(parent, false);
            var rect = (RectTransform)home.transform;
            rect.anchorMin = new Vector2(left, bottom);
            rect.anchorMax = new Vector2(right, top);
            rect.offsetMin = rect.offsetMax = Vector2.zero;
            return rect;
        }

        private static void AddEventSystem(Transform parent)
        {
            var home = new GameObject("Event System");
            home.transform.SetParent(parent, false);
            home.AddComponent<EventSystem>();
#if DIALOGUE_INPUT_SYSTEM && ENABLE_INPUT_SYSTEM
            home.AddComponent<UnityEngine.InputSystem.UI.InputSystemUIInputModule>().AssignDefaultActions();
#else
            home.AddComponent<StandaloneInputModule>();
#endif
        }
    }
}
