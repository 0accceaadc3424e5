using System;
using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace DialogueServer.Editor
{
    /// <summary>
    /// Window > Dialogue: the NPCs of the open scenes and what is wrong with them; try a line on
    /// one without entering play mode.
    /// </summary>
    internal sealed class DialogueWindow : EditorWindow
    {
        private DialogueSettings _settings;
        private string _token = ""; // not serialized: it is gone when the window closes
        private string _npc = "";
        private string _line = "Hello.";
        private Vector2 _scroll;
        private EditorSession _session;
        private ConversationRouter _router;
        private DialogueConversation _conversation;
        private string _error = "";

        [MenuItem("Window/Dialogue")]
        private static void Open() => GetWindow<DialogueWindow>("Dialogue");

        private void OnGUI()
        {
            _settings = (DialogueSettings)EditorGUILayout.ObjectField("Settings", _settings, typeof(DialogueSettings), false);
            if (_settings == null)
            {
                EditorGUILayout.HelpBox("Choose settings; Assets > Create > Dialogue > Settings makes some.", MessageType.Info);
                return;
            }
            if (_settings.Problem().Length > 0)
            {
                EditorGUILayout.HelpBox(_settings.Problem(), MessageType.Error);
                return;
            }
            _scroll = EditorGUILayout.BeginScrollView(_scroll);
            DrawNpcs();
            EditorGUILayout.Space();
            DrawTrial();
            EditorGUILayout.EndScrollView();
        }

        private void DrawNpcs()
        {
            var names = new HashSet<string>();
            bool any = false;
            foreach (DialogueNpc npc in Resources.FindObjectsOfTypeAll<DialogueNpc>())
            {
                if (EditorUtility.IsPersistent(npc)) continue;
                any = true;
                EditorGUILayout.BeginHorizontal();
                EditorGUILayout.ObjectField(npc, typeof(DialogueNpc), true);
                if (GUILayout.Button("Try")) _npc = npc.NpcId;
                EditorGUILayout.EndHorizontal();
                string problem = npc.Problem();
                string[] known = _session?.ServerNpcs;
                if (problem.Length == 0 && known != null && Array.IndexOf(known, npc.NpcId) < 0)
                    problem = "The server has no NPC \"" + npc.NpcId + "\"; it has " + string.Join(", ", known) + ".";
                if (problem.Length == 0 && !names.Add(npc.ConversationName + "/" + npc.NpcId))
                    problem = "Another object is the same NPC in a conversation of the same name: give one a name of its own.";
                if (problem.Length > 0) EditorGUILayout.HelpBox(problem, MessageType.Error);
            }
            if (!any) EditorGUILayout.LabelField("There is no Dialogue NPC in the open scenes.");
        }

        private void DrawTrial()
        {
            _token = EditorGUILayout.PasswordField("Token", _token);
            _npc = EditorGUILayout.TextField("NPC", _npc);
            _line = EditorGUILayout.TextField("Line", _line);
            if (GUILayout.Button("Say") && _npc.Trim().Length > 0 && _line.Trim().Length > 0) Say();
            if (GUILayout.Button("Ask the server for its NPCs")) Connect();
            if (_session == null) return;
            EditorGUILayout.LabelField(_session.Describe());
            if (_error.Length > 0) EditorGUILayout.HelpBox(_error, MessageType.Error);
            foreach (string npc in _session.ServerNpcs ?? Array.Empty<string>())
                if (GUILayout.Button("Try " + npc)) _npc = npc;
            DialogueTurn turn = _conversation?.Current;
            if (turn == null) return;
            EditorGUILayout.HelpBox(turn.Text + (turn.Ended ? "" : " ..."), MessageType.None);
            foreach (DialogueCue cue in turn.Cues) EditorGUILayout.LabelField(cue.Offset + ": " + cue.Kind + " " + cue.Name);
            if (turn.Ended)
                EditorGUILayout.LabelField(turn.Reason + ", first token after " + turn.FirstTokenMs + " ms, all after " + turn.TotalMs + " ms");
        }

        private void Connect()
        {
            _error = "";
            if (_session != null && _session.Session.Status != Transport.SessionStatus.Failed) return;
            Forget();
            _router = new ConversationRouter();
            _router.Failed += error => _error = error.Message;
            _session = new EditorSession(_settings, _router, Repaint, _token);
        }

        private void Say()
        {
            Connect();
            if (_conversation == null || _conversation.Npcs[0] != _npc)
            {
                if (_conversation != null) _router.Remove(_conversation);
                // A conversation that nothing remembers the next time.
                _conversation = new DialogueConversation("editor-" + Guid.NewGuid().ToString("N"), new[] { _npc });
                _conversation.Failed += error => _error = error.Message;
                _router.Add(_conversation);
            }
            _conversation.Say(_line);
        }

        private void OnDisable() => Forget();

        private void Forget()
        {
            _session?.Dispose();
            _session = null;
            _conversation = null;
        }
    }
}
